package check

import "tlskeeper/apacheconf/conf"

// managed warns of hosts whose certificate is not in the files.
func (p *planned) managed() {
	hosts := conf.Managed(p.Next, p.Server.Modules)
	for _, v := range p.hosts() {
		if hosts[v.Node] {
			p.warn(conf.Finding{Code: "mod_md", File: v.File, Line: v.Line, VHost: v.Name(),
				What: "mod_md manages its certificate, which may change at any reload; only that one is shown is checked"})
		}
	}
}
