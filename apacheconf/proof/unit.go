package proof

import (
	"strings"

	"tlskeeper/apacheconf/conf"
)

// unit is what a shadow tries under an error log of its own: the server, a
// virtual host, or the part of either in which Apache itself is the client.
type unit struct {
	host    *conf.Node   // its <VirtualHost>; nil for the server's own
	nodes   []*conf.Node // in the order of the configuration
	section []*conf.Node // of one <Proxy> or <ProxyMatch>, which inherits nodes
	client  bool         // the SSLProxy directives, which have the same messages as the others
}

// shadowUnits are the server, then its virtual hosts, then the client sides.
// mod_ssl sets a client side up for the server, for each host, and for each
// <Proxy> in them (ssl_proxy_section_post_config); no other section may hold
// SSLProxy directives (mod_ssl.c, SSL_CMD_PXY).
func shadowUnits(tree []*conf.Node) []unit {
	own, proxy := split(conf.TLSNodes(tree))
	units := []unit{{nodes: own}}
	clients := clientUnits(nil, nil, proxy, tree)
	for _, v := range conf.All(tree, "VirtualHost") {
		own, more := split(conf.TLSNodes(v.Children))
		units = append(units, unit{host: v, nodes: own})
		clients = append(clients, clientUnits(v, proxy, more, v.Children)...)
	}
	return append(units, clients...)
}

func clientUnits(host *conf.Node, inherited, own, nodes []*conf.Node) []unit {
	var out []unit
	merged := append(append([]*conf.Node{}, inherited...), own...) // the later line wins, as in a merge
	if len(own) > 0 {
		out = append(out, unit{host: host, nodes: merged, client: true})
	}
	for _, n := range nodes {
		if !n.Section || !n.Is("Proxy") && !n.Is("ProxyMatch") {
			continue
		}
		if _, section := split(conf.TLSNodes(n.Children)); len(section) > 0 {
			out = append(out, unit{host: host, nodes: merged, section: section, client: true})
		}
	}
	return out
}

// split takes the directives for Apache as a client out.
func split(nodes []*conf.Node) (own, proxy []*conf.Node) {
	for _, n := range nodes {
		if strings.HasPrefix(strings.ToLower(n.Name), "sslproxy") {
			proxy = append(proxy, n)
		} else {
			own = append(own, n)
		}
	}
	return own, proxy
}

// lines are all directives of a unit; the last one of a name wins.
func (u unit) lines() []*conf.Node { return append(append([]*conf.Node{}, u.nodes...), u.section...) }
