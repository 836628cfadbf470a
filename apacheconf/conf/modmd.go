package conf

import (
	"slices"
	"strings"

	"tlskeeper/internal/leaf"
)

// Managed are the <VirtualHost> sections of conf that mod_md serves.
func Managed(conf []*Node, modules []string) map[*Node]bool {
	out := map[*Node]bool{}
	if !slices.Contains(modules, "md_module") {
		return out
	}
	domains := mdNames(conf)
	for _, v := range All(conf, "VirtualHost") {
		names := NamesOf(v)
		if EngineOn(conf, v) && slices.ContainsFunc(names, func(name string) bool { return coveredBy(domains, name) }) {
			out[v] = true
		}
	}
	return out
}

// mdNames are the names of all managed domains. "MDomain a.example auto" and
// <MDomainSet a.example> name one or more; MDMember adds some. Source:
// mod_md_config.c.
func mdNames(nodes []*Node) []string {
	var out []string
	for _, n := range nodes {
		switch {
		case n.Is("MDomain"), n.Is("MDomainSet"), n.Is("MDMember"), n.Is("ManagedDomain"):
			for _, w := range n.Words() {
				if w = strings.ToLower(w); w != "auto" && w != "manual" {
					out = append(out, w)
				}
			}
			out = append(out, mdNames(n.Children)...)
		}
	}
	return out
}

func coveredBy(domains []string, name string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return leaf.Covers(d, name) })
}
