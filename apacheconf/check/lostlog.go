package check

import (
	"strings"

	"tlskeeper/apacheconf/conf"
)

// lostLog: a CustomLog in the server misses every host that has a log of its
// own.
func (p *planned) lostLog() {
	formats := map[string]bool{}
	for _, n := range conf.All(p.Next, "LogFormat") {
		if strings.Contains(n.Args, "SSL_PROTOCOL") {
			formats[n.Arg(1)] = true
		}
	}
	for _, n := range conf.All(p.Next, "CustomLog") {
		if !formats[n.Arg(1)] && !strings.Contains(n.Arg(1), "SSL_PROTOCOL") {
			continue
		}
		for _, v := range p.Server.VHosts {
			if own := conf.Last(v.Node.Children, "CustomLog"); own != nil && v.TLS {
				p.warn(conf.Finding{Code: "lost-log", File: n.File, Line: n.Line,
					What: "this TLS log misses " + v.Name() + ", which has a log of its own (" + own.Place() + "); ours is a GlobalLog and misses none"})
				return
			}
		}
	}
}
