package check

import (
	"cmp"
	"fmt"
	"slices"

	"tlskeeper/apacheconf/conf"
)

// groupCapture: the key-exchange groups of the first virtual host on an address
// rule all others there; what these say is ignored without a word (measured,
// openssl#1652).
func (p *planned) groupCapture() {
	hosts := p.hosts()
	first := conf.FirstHosts(hosts)
	for _, v := range hosts {
		own := slices.IndexFunc(v.Node.Children, func(n *conf.Node) bool { return n.Is("SSLOpenSSLConfCmd") && conf.IsGroups(n) })
		if !v.TLS || len(v.Addresses) == 0 {
			continue
		}
		ruler := first[conf.Canonical(v.Addresses[0])]
		if ruler.Node == v.Node || ruler.Settings.Groups.Value == v.Settings.Groups.Value {
			continue
		}
		at := conf.Finding{Code: "groups", File: v.File, Line: v.Line, VHost: v.Name()}
		if own >= 0 {
			at.File, at.Line = v.Node.Children[own].File, v.Node.Children[own].Line
		}
		at.What = fmt.Sprintf("its key-exchange groups (%s) have no effect: those of %s (%s), the first virtual host of %s, hold for all there",
			cmp.Or(v.Settings.Groups.Value, "the default"), ruler.Name(), cmp.Or(ruler.Settings.Groups.Value, "the default"), v.Addresses[0])
		p.warn(at)
	}
}
