package plan

import (
	"slices"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// overlay computes the effective configuration that the planned files would
// give, without writing one of them. It knows only our own kinds of change: a
// server-level file, site includes, and a virtual host's certificate lines.
type overlay struct {
	s       *httpd.Server
	conf    []*conf.Node
	modules []string
}

// newOverlay copies the effective configuration two levels deep, which is as
// deep as we change it.
func newOverlay(s *httpd.Server) *overlay {
	o := &overlay{s: s, modules: slices.Clone(s.Modules)}
	for _, n := range s.Conf {
		c := *n
		c.Children = slices.Clone(n.Children)
		o.conf = append(o.conf, &c)
	}
	return o
}

// setFile puts text in the place of what the file at path contributes now, or
// where httpd would read it. Nil text takes the file away.
func (o *overlay) setFile(path string, text []byte) bool {
	ours := func(n *conf.Node) bool { return n.File == path }
	i := slices.IndexFunc(o.conf, ours)
	o.conf = slices.DeleteFunc(o.conf, ours)
	if text == nil {
		return true
	}
	if i < 0 {
		at, ok := o.s.Slot(path)
		if !ok {
			return false
		}
		i = o.index(at)
	}
	o.conf = slices.Insert(o.conf, i, conf.ParseOwn(text, path, o.modules)...)
	return true
}

// index is the first directive that httpd reads behind at. Files outside the
// tree of includes were read before it, for a module that is to be loaded.
func (o *overlay) index(at []conf.Step) int {
	for i, n := range o.conf {
		if o.s.IsIncluded(n.UseFile) && conf.Before(at, o.s.Position(n.UseFile, n.UseLine)) {
			return i
		}
	}
	return len(o.conf)
}

// setSite gives every virtual host that includes path its new text.
func (o *overlay) setSite(path string, text []byte) {
	for _, v := range conf.All(o.conf, "VirtualHost") {
		i := slices.IndexFunc(v.Children, func(n *conf.Node) bool { return n.File == path })
		if i < 0 {
			continue
		}
		v.Children = slices.DeleteFunc(v.Children, func(n *conf.Node) bool { return n.File == path })
		v.Children = slices.Insert(v.Children, i, conf.ParseOwn(text, path, o.modules)...)
	}
}

// adopt replaces the certificate lines of the virtual host at file:line by the
// site include.
func (o *overlay) adopt(file string, line int, path string, text []byte) {
	for _, v := range conf.All(o.conf, "VirtualHost") {
		if v.File != file || v.Line != line {
			continue
		}
		i := slices.IndexFunc(v.Children, conf.IsCertificate)
		v.Children = slices.DeleteFunc(v.Children, conf.IsCertificate)
		v.Children = slices.Insert(v.Children, max(i, 0), conf.ParseOwn(text, path, o.modules)...)
	}
}

// unadopt puts an adopted host's own lines back in the place of our include.
func (o *overlay) unadopt(a Adoption, path string) {
	for _, v := range conf.All(o.conf, "VirtualHost") {
		i := slices.IndexFunc(v.Children, func(n *conf.Node) bool { return n.File == path })
		if i < 0 || httpd.Resolved(v.File) != a.sectionFile() || (conf.VHost{Names: conf.NamesOf(v), Addresses: v.Words()}).Name() != a.VHost {
			continue
		}
		old := a.oldNodes()
		v.Children = slices.DeleteFunc(v.Children, func(n *conf.Node) bool { return n.File == path })
		v.Children = slices.Insert(v.Children, i, old...)
		return
	}
}

// oldNodes are the certificate lines from before the adoption. Manifests of
// before Lines was recorded have the text of the file alone.
func (a Adoption) oldNodes() []*conf.Node {
	lines := a.Lines
	if len(lines) == 0 {
		for _, l := range conf.Lines([]byte(a.Old)) {
			lines = append(lines, l.Text)
		}
	}
	var old []*conf.Node
	for _, l := range lines {
		if n := conf.ParseOwn([]byte(l), a.File, nil); len(n) == 1 && conf.IsCertificate(n[0]) {
			old = append(old, n[0])
		}
	}
	return old
}

// oldTexts are the same lines for a message.
func (a Adoption) oldTexts() []string {
	var out []string
	for _, n := range a.oldNodes() {
		out = append(out, n.Text())
	}
	return out
}

// expand resolves the Include of path inside the hosts of our own file.
func (o *overlay) expand(path string, text []byte) {
	for _, v := range conf.All(o.conf, "VirtualHost") {
		i := slices.IndexFunc(v.Children, func(n *conf.Node) bool { return n.Is("Include") && n.Arg(0) == path })
		if i >= 0 {
			v.Children = slices.Replace(v.Children, i, i+1, conf.ParseOwn(text, path, o.modules)...)
		}
	}
}
