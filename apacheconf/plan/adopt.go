package plan

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
)

// adopt plans the edits of the admin's files for the certificates in
// Change.Adopt: one for each TLS virtual host whose ServerName they cover.
func (p *planner) adopt() error {
	var all []adoptee
	for _, name := range p.c.Adopt {
		text, leaf, err := p.activeSite(name)
		if err != nil {
			return err
		}
		for _, v := range p.hostsOf(leaf) {
			all = append(all, adoptee{v, name, text, closeness(v, name, leaf)})
		}
	}
	for _, a := range p.chosen(all) {
		if err := p.adoptInto(a.vhost, a.name, a.text); err != nil {
			return err
		}
	}
	return p.plannedEdits()
}

// adoptee is a virtual host that a certificate could be put into.
type adoptee struct {
	vhost conf.VHost
	name  string // of the certificate
	text  []byte // of its include
	far   int
}

// closeness orders the certificates that are valid for a virtual host: 0 is the
// one named like it, 2 a wildcard.
func closeness(v conf.VHost, name string, leaf *x509.Certificate) int {
	switch {
	case strings.EqualFold(name, v.Names[0]):
		return 0
	case slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, v.Names[0]) }):
		return 1
	}
	return 2
}

// chosen leaves one certificate for each virtual host, and none where one of
// ours is served and was not asked to be replaced; from the bottom of the files,
// so that lines above keep their numbers.
func (p *planner) chosen(all []adoptee) []adoptee {
	slices.SortStableFunc(all, func(a, b adoptee) int { return a.far - b.far })
	taken := map[*conf.Node]bool{}
	all = slices.DeleteFunc(all, func(a adoptee) bool {
		other := taken[a.vhost.Node] || p.adopted(a.vhost, a.name) || p.servesOther(a.vhost, a.name) && !p.c.Instead
		taken[a.vhost.Node] = true
		return other
	})
	slices.SortStableFunc(all, func(a, b adoptee) int { return b.vhost.Line - a.vhost.Line })
	return all
}

// servesOther: includes another certificate of ours. Two that are valid for one
// virtual host are no reason to change it.
func (p *planner) servesOther(v conf.VHost, name string) bool {
	return v.Include != "" && v.Include != name
}

// activeSite is the include of a certificate, as planned or as it stands.
func (p *planner) activeSite(name string) ([]byte, *x509.Certificate, error) {
	dir := p.c.Generations[name]
	if dir == "" {
		active, err := ActiveGenerations(p.s.Config.EtcDir)
		if err != nil {
			return nil, nil, err
		}
		dir = active[name]
	}
	if dir == "" {
		return nil, nil, fmt.Errorf("adopting %s: there is no certificate of this name to serve", name)
	}
	text, err := p.siteText(name, dir)
	return text, p.plan.Leaves[name], err
}

// hostsOf are the TLS virtual hosts whose ServerName the leaf is valid for.
func (p *planner) hostsOf(leaf *x509.Certificate) []conf.VHost {
	return slices.DeleteFunc(slices.Clone(p.s.VHosts), func(v conf.VHost) bool {
		return !v.TLS || len(v.Names) == 0 || leaf.VerifyHostname(v.Names[0]) != nil
	})
}

// adopted: serves our include and no certificate line of its own beside it. An
// old line left beside it would still be served to some clients (measured).
func (p *planner) adopted(v conf.VHost, name string) bool {
	return v.Include == name && len(p.besides(v, name)) == 0
}

func (p *planner) besides(v conf.VHost, name string) []*conf.Node {
	var out []*conf.Node
	for _, n := range v.Node.Children {
		if conf.IsCertificate(n) && n.File != SitePath(p.s.Config, name) {
			out = append(out, n)
		}
	}
	return out
}

func (p *planner) adoptInto(v conf.VHost, name string, text []byte) error {
	if p.servesOther(v, name) {
		return p.instead(v, name, text)
	}
	own := p.besides(v, name)
	file := v.File
	if len(own) > 0 {
		file = own[0].File
	}
	file = httpd.Resolved(file)
	current, ok := p.edits[file]
	if !ok {
		var err error
		if current, err = httpd.ReadFile(file); err != nil {
			return fmt.Errorf("adopting %s: %w", name, err)
		}
	}
	edit, why := adoptEdit(p.s, v, name, current)
	if why != nil {
		why.Certificate = name
		p.plan.Missing = append(p.plan.Missing, *why)
		return nil
	}
	edited, err := applyEdit(current, edit.Old, edit.New)
	if err != nil {
		return fmt.Errorf("adopting %s in %s: %w", name, file, err)
	}
	p.record(edit, current)
	p.losesRSA(v, own, p.plan.Leaves[name])
	p.edits[file] = edited
	p.overlay.adopt(v.File, v.Line, SitePath(p.s.Config, name), text)
	return nil
}

// losesRSA: an admin who kept an RSA certificate beside one of another kind did
// so for old clients, and ours takes the place of both.
func (p *planner) losesRSA(v conf.VHost, own []*conf.Node, leaf *x509.Certificate) {
	var rsa *conf.Node
	kinds := map[x509.PublicKeyAlgorithm]bool{}
	for _, n := range own {
		if !n.Is("SSLCertificateFile") {
			continue
		}
		if chain, err := httpd.ReadChain(conf.Abs(p.s.ServerRoot, n.Arg(0))); err == nil {
			kind := chain[0].PublicKeyAlgorithm
			if kinds[kind] = true; kind == x509.RSA {
				rsa = n
			}
		}
	}
	if rsa != nil && len(kinds) > 1 && leaf.PublicKeyAlgorithm != x509.RSA {
		p.warn(conf.Finding{Code: "rsa-clients", File: rsa.File, Line: rsa.Line, VHost: v.Name(),
			What: "serves an RSA certificate beside one of another kind; clients that know RSA alone could not connect any more"})
	}
}

// record remembers an adoption, in the place of one of the same host that a
// person undid by hand.
func (p *planner) record(edit Adoption, current []byte) {
	p.is.Adoptions = slices.DeleteFunc(p.is.Adoptions, func(a Adoption) bool {
		return a.Name == edit.Name && a.VHost == edit.VHost && a.File == edit.File && a.undone(current)
	})
	for _, a := range append(slices.Clone(p.was.Adoptions), p.is.Adoptions...) {
		edit.Serial = max(edit.Serial, a.Serial)
	}
	edit.Serial++
	p.is.Adoptions = append(p.is.Adoptions, edit)
}

// plannedEdits turns the edited texts into file changes, modes and owners kept.
func (p *planner) plannedEdits() error {
	files := make([]string, 0, len(p.edits))
	for file := range p.edits {
		files = append(files, file)
	}
	slices.Sort(files)
	for _, file := range files {
		f, err := filechange.PlanFile(file, p.edits[file], 0)
		if err != nil {
			return err
		}
		f.New.Mode, f.Edit = f.Old.Mode, true
		p.add(f)
	}
	return nil
}
