package check

import (
	"slices"

	"tlskeeper/apacheconf/conf"
)

// redirectTargets: a redirect needs somebody on both sides. A visitor who is
// sent to a name that no TLS virtual host has gets the certificate of another.
func (p *planned) redirectTargets() {
	hosts := p.hosts()
	has := func(site string, tls bool) bool {
		return slices.ContainsFunc(hosts, func(v conf.VHost) bool { return v.TLS == tls && v.Answers(site) })
	}
	for _, site := range p.Redirect {
		if !has(site, true) {
			p.warn(conf.Finding{Code: "redirect-nowhere", File: p.Global, VHost: site, Fix: "tlskeeper apache vhost " + site,
				What: "is redirected to HTTPS, and no TLS virtual host has this name: visitors would see the certificate of another site. Make one, or take it out of redirect"})
		}
		if !has(site, false) {
			p.warn(conf.Finding{Code: "redirect-unused", File: p.Global, VHost: site,
				What: "is to be redirected from plain HTTP, and no plain virtual host has this name: only what answers there in its place would redirect it"})
		}
	}
}
