package check

import (
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
)

// hstsHeader is the field of RFC 6797.
const hstsHeader = "Strict-Transport-Security"

// doubleHSTS looks for lines of Apache that meddle with our HSTS: in the server,
// in a TLS virtual host, and in any section of either. What an .htaccess or a
// program behind Apache sends is in no configuration.
func (p *planned) doubleHSTS() {
	if !p.HSTS {
		return
	}
	ours := slices.IndexFunc(p.Next, func(n *conf.Node) bool { return n.File == p.Effective && n.Is("Header") })
	for i, n := range p.Next {
		p.hstsIn(n, "", i < ours)
	}
	for _, v := range p.hosts() {
		if v.TLS {
			for _, n := range v.Node.Children {
				p.hstsIn(n, v.Name(), false)
			}
		}
	}
}

// hstsIn judges one line, or what is in one section. Only a line of the server
// itself can be before ours; sections and virtual hosts always come behind.
func (p *planned) hstsIn(n *conf.Node, vhost string, before bool) {
	switch {
	case n.File == p.Effective || n.Is("VirtualHost") || n.Is("Macro"):
	case n.Section:
		for _, c := range n.Children {
			p.hstsIn(c, vhost, false)
		}
	case n.Is("Header"):
		if f := hstsEffect(n.Words(), before); f.Code != "" {
			f.File, f.Line, f.VHost = n.File, n.Line, vhost
			p.warn(f)
		}
	}
}

// hstsEffect is what a Header line does to our `Header always set`. httpd has
// two tables of headers, `always` and `onsuccess`, and an answer that is no
// error carries both: what stands in the other one goes out beside ours.
// Source: mod_headers.c do_headers_fixup, and measured.
func hstsEffect(words []string, before bool) conf.Finding {
	always := false
	if len(words) > 0 && (strings.EqualFold(words[0], "always") || strings.EqualFold(words[0], "onsuccess")) {
		always, words = strings.EqualFold(words[0], "always"), words[1:]
	}
	if len(words) < 2 || !strings.EqualFold(strings.TrimSuffix(words[1], ":"), hstsHeader) || always && before {
		return conf.Finding{}
	}
	sets := slices.Contains([]string{"set", "add", "append", "merge", "setifempty"}, strings.ToLower(words[0]))
	switch action := strings.ToLower(words[0]); {
	case sets && !always, always && action == "add":
		return conf.Finding{Code: "double-hsts", What: "sets Strict-Transport-Security itself; it would be sent twice"}
	case always && (action == "append" || action == "merge"):
		return conf.Finding{Code: "double-hsts", What: "puts a second value into our Strict-Transport-Security; browsers could not read it"}
	case always && action == "set":
		return conf.Finding{Code: "override", What: "its own Strict-Transport-Security wins over ours"}
	case always && (action == "unset" || strings.HasPrefix(action, "edit")):
		return conf.Finding{Code: "override", What: "changes our Strict-Transport-Security or takes it away"}
	}
	return conf.Finding{}
}
