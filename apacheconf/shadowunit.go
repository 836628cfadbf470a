package apacheconf

import "strings"

// unit is what a shadow tries under an error log of its own: the server, a
// virtual host, or the part of either in which Apache itself is the client.
type unit struct {
	host    *node   // its <VirtualHost>; nil for the server's own
	nodes   []*node // in the order of the configuration
	section []*node // of one <Proxy> or <ProxyMatch>, which inherits nodes
	client  bool    // the SSLProxy directives, which have the same messages as the others
}

// shadowUnits are the server, then its virtual hosts, then the client sides.
// mod_ssl sets a client side up for the server, for each host, and for each
// <Proxy> in them (ssl_proxy_section_post_config); no other section may hold
// SSLProxy directives (mod_ssl.c, SSL_CMD_PXY).
func shadowUnits(conf []*node) []unit {
	own, proxy := split(tlsNodes(conf))
	units := []unit{{nodes: own}}
	clients := clientUnits(nil, nil, proxy, conf)
	for _, v := range all(conf, "VirtualHost") {
		own, more := split(tlsNodes(v.children))
		units = append(units, unit{host: v, nodes: own})
		clients = append(clients, clientUnits(v, proxy, more, v.children)...)
	}
	return append(units, clients...)
}

func clientUnits(host *node, inherited, own, nodes []*node) []unit {
	var out []unit
	merged := append(append([]*node{}, inherited...), own...) // the later line wins, as in a merge
	if len(own) > 0 {
		out = append(out, unit{host: host, nodes: merged, client: true})
	}
	for _, n := range nodes {
		if !n.section || !n.is("Proxy") && !n.is("ProxyMatch") {
			continue
		}
		if _, section := split(tlsNodes(n.children)); len(section) > 0 {
			out = append(out, unit{host: host, nodes: merged, section: section, client: true})
		}
	}
	return out
}

// split takes the directives for Apache as a client out.
func split(nodes []*node) (own, proxy []*node) {
	for _, n := range nodes {
		if strings.HasPrefix(strings.ToLower(n.name), "sslproxy") {
			proxy = append(proxy, n)
		} else {
			own = append(own, n)
		}
	}
	return own, proxy
}

// lines are all directives of a unit; the last one of a name wins.
func (u unit) lines() []*node { return append(append([]*node{}, u.nodes...), u.section...) }
