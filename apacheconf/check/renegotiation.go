package check

import (
	"strings"

	"tlskeeper/apacheconf/conf"
)

// renegotiation: mod_ssl still has the directive for clients from before RFC 5746.
func (p *planned) renegotiation() {
	for _, n := range append(conf.All(p.Next, "SSLInsecureRenegotiation"), p.inHosts("SSLInsecureRenegotiation")...) {
		if strings.EqualFold(n.Arg(0), "on") {
			p.warn(conf.Finding{Code: "renegotiation", File: n.File, Line: n.Line, What: "SSLInsecureRenegotiation on is still accepted by httpd, and insecure"})
		}
	}
}

func (p *planned) inHosts(name string) []*conf.Node {
	var out []*conf.Node
	for _, v := range conf.All(p.Next, "VirtualHost") {
		out = append(out, conf.All(v.Children, name)...)
	}
	return out
}
