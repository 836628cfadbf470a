package apacheconf

import "slices"

// overlay computes the effective configuration that the planned files would
// give, without writing one of them. It knows only our own kinds of change: a
// server-level file, site includes, and a virtual host's certificate lines.
type overlay struct {
	s       *Server
	conf    []*node
	modules []string
}

// newOverlay copies the effective configuration two levels deep, which is as
// deep as we change it.
func (s *Server) newOverlay() *overlay {
	o := &overlay{s: s, modules: slices.Clone(s.Modules)}
	for _, n := range s.conf {
		c := *n
		c.children = slices.Clone(n.children)
		o.conf = append(o.conf, &c)
	}
	return o
}

// setFile puts text in the place of what the file at path contributes now, or
// where httpd would read it. Nil text takes the file away.
func (o *overlay) setFile(path string, text []byte) bool {
	ours := func(n *node) bool { return n.file == path }
	i := slices.IndexFunc(o.conf, ours)
	o.conf = slices.DeleteFunc(o.conf, ours)
	if text == nil {
		return true
	}
	if i < 0 {
		at, ok := o.s.slot(path)
		if !ok {
			return false
		}
		i = o.index(at)
	}
	o.conf = slices.Insert(o.conf, i, parseOwn(text, path, o.modules)...)
	return true
}

// index is the first directive that httpd reads behind at. Files outside the
// tree of includes were read before it, for a module that is to be loaded.
func (o *overlay) index(at []step) int {
	for i, n := range o.conf {
		if o.s.isIncluded(n.useFile) && before(at, position(o.s.includes, n.useFile, n.useLine)) {
			return i
		}
	}
	return len(o.conf)
}

// setSite gives every virtual host that includes path its new text.
func (o *overlay) setSite(path string, text []byte) {
	for _, v := range all(o.conf, "VirtualHost") {
		i := slices.IndexFunc(v.children, func(n *node) bool { return n.file == path })
		if i < 0 {
			continue
		}
		v.children = slices.DeleteFunc(v.children, func(n *node) bool { return n.file == path })
		v.children = slices.Insert(v.children, i, parseOwn(text, path, o.modules)...)
	}
}

// adopt replaces the certificate lines of the virtual host at file:line by the
// site include.
func (o *overlay) adopt(file string, line int, path string, text []byte) {
	for _, v := range all(o.conf, "VirtualHost") {
		if v.file != file || v.line != line {
			continue
		}
		i := slices.IndexFunc(v.children, isCertificateLine)
		v.children = slices.DeleteFunc(v.children, isCertificateLine)
		v.children = slices.Insert(v.children, max(i, 0), parseOwn(text, path, o.modules)...)
	}
}

// unadopt puts an adopted host's own lines back in the place of our include.
func (o *overlay) unadopt(a adoption, path string) {
	for _, v := range all(o.conf, "VirtualHost") {
		i := slices.IndexFunc(v.children, func(n *node) bool { return n.file == path })
		if i < 0 || resolved(v.file) != a.sectionFile() || (VHost{Names: vhostNames(v), Addresses: v.words()}).Name() != a.VHost {
			continue
		}
		old := a.oldNodes()
		v.children = slices.DeleteFunc(v.children, func(n *node) bool { return n.file == path })
		v.children = slices.Insert(v.children, i, old...)
		return
	}
}

// oldNodes are the certificate lines from before the adoption. Manifests of
// before Lines was recorded have the text of the file alone.
func (a adoption) oldNodes() []*node {
	lines := a.Lines
	if len(lines) == 0 {
		for _, l := range logicalLines([]byte(a.Old)) {
			lines = append(lines, l.text)
		}
	}
	var old []*node
	for _, l := range lines {
		if n := parseOwn([]byte(l), a.File, nil); len(n) == 1 && isCertificateLine(n[0]) {
			old = append(old, n[0])
		}
	}
	return old
}

// oldTexts are the same lines for a message.
func (a adoption) oldTexts() []string {
	var out []string
	for _, n := range a.oldNodes() {
		out = append(out, n.text())
	}
	return out
}

// expand resolves the Include of path inside the hosts of our own file.
func (o *overlay) expand(path string, text []byte) {
	for _, v := range all(o.conf, "VirtualHost") {
		i := slices.IndexFunc(v.children, func(n *node) bool { return n.is("Include") && n.arg(0) == path })
		if i >= 0 {
			v.children = slices.Replace(v.children, i, i+1, parseOwn(text, path, o.modules)...)
		}
	}
}

// isCertificateLine: the lines that adoption replaces. The chain file is one
// of them: our fullchain has the chain in it.
func isCertificateLine(n *node) bool {
	return n.is("SSLCertificateFile") || n.is("SSLCertificateKeyFile") || n.is("SSLCertificateChainFile")
}
