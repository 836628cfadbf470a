package plan

import (
	"crypto/x509"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/templates"
)

// missing says, for each certificate that shall be served and is not, which
// line to write where.
func (p *planner) missing() {
	hosts := conf.Hosts(p.overlay.conf, p.s.Config.EtcDir)
	for name, leaf := range p.plan.Leaves {
		served := slices.ContainsFunc(hosts, func(v conf.VHost) bool { return v.TLS && v.Include == name })
		other := ""
		for _, v := range hosts {
			switch {
			case !v.TLS || len(v.Names) == 0 || leaf.VerifyHostname(v.Names[0]) != nil || p.adopted(v, name):
			case p.servesOther(v, name):
				other = v.Include
			default:
				p.notAdopted(v, name)
				served = true
			}
		}
		if !served && !slices.ContainsFunc(p.plan.Missing, func(f conf.Finding) bool { return f.Certificate == name }) {
			p.plan.Missing = append(p.plan.Missing, p.unserved(name, leaf, other))
		}
	}
	slices.SortFunc(p.plan.Missing, func(a, b conf.Finding) int { return strings.Compare(a.String(), b.String()) })
	p.plan.Missing = slices.CompactFunc(p.plan.Missing, func(a, b conf.Finding) bool { return a.Place() == b.Place() && a.VHost == b.VHost })
}

// vhostCommand is what makes a host for a certificate. One for wildcards alone
// does not say what its host is called.
func vhostCommand(name string, leaf *x509.Certificate) string {
	command := "tlskeeper apache vhost " + name
	if len(leaf.DNSNames) > 0 && len(conf.PlainNames(leaf.DNSNames)) == 0 {
		command += " --name " + strings.Replace(leaf.DNSNames[0], "*", "www", 1)
	}
	return command
}

func (p *planner) notAdopted(v conf.VHost, name string) {
	quoted, err := templates.Quote(SitePath(p.s.Config, name))
	if err != nil {
		quoted = filepath.Base(SitePath(p.s.Config, name))
	}
	f := conf.Finding{Code: "not-adopted", Certificate: name, File: v.File, Line: v.Line, VHost: v.Name(), Fix: "Include " + quoted,
		What: "does not serve certificate " + name + "; `tlskeeper apache adopt " + name + "` puts the line there"}
	if own := p.besides(v, name); len(own) > 0 {
		f.File, f.Line = own[0].File, own[0].Line
		f.What = own[0].Text() + " is served instead of certificate " + name + "; `tlskeeper apache adopt " + name + "` replaces it"
		if v.Include == name {
			f.Fix, f.What = "(remove the line)", own[0].Text()+" beside our include keeps the old certificate for some clients"
		}
	}
	p.plan.Missing = append(p.plan.Missing, f)
}
