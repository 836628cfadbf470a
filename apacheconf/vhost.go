package apacheconf

import (
	"net"
	"slices"
	"strings"
)

// VHost is one <VirtualHost> section.
type VHost struct {
	File         string      `json:"file"`
	Line         int         `json:"line"`
	Addresses    []string    `json:"addresses"` // as written: "*:443", "[::1]:8443"
	Names        []string    `json:"names"`     // ServerName first, where it has one; then aliases
	TLS          bool        `json:"tls"`
	Certificates []Directive `json:"certificates,omitempty"` // SSLCertificateFile lines of its own
	Keys         []Directive `json:"keys,omitempty"`
	Include      string      `json:"include,omitempty"` // name of our certificate it includes
	Settings     Settings    `json:"settings"`

	node *node
}

// Directive is a line of the configuration with one argument.
type Directive struct {
	Value string `json:"value"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}

// Settings are the TLS directives that hold in a virtual host, its own or the
// server's. Empty means httpd's default.
type Settings struct {
	Protocol, Suites12, Suites13, Groups Directive
	ServerOrder, Tickets, Stapling       Directive
}

// canonical is the one spelling of an address of a <VirtualHost>: _default_
// and * are the same since httpd 2.4.
func canonical(address string) string {
	if rest, ok := strings.CutPrefix(address, "_default_"); ok {
		return "*" + rest
	}
	return address
}

// Name is what to call the virtual host in a message.
func (v VHost) Name() string {
	if len(v.Names) > 0 {
		return v.Names[0]
	}
	return strings.Join(v.Addresses, " ")
}

// covers tells whether the virtual host answers to a name, by ServerName or
// alias, in httpd's way (* and ? in an alias).
func (v VHost) covers(name string) bool {
	return slices.ContainsFunc(v.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

func (s *Server) readVHosts() {
	s.VHosts = s.vhostsOf(s.conf)
}

// vhostsOf reads the virtual hosts of an effective configuration, on disk or
// planned.
func (s *Server) vhostsOf(conf []*node) []VHost {
	var out []VHost
	for _, n := range all(conf, "VirtualHost") {
		v := VHost{File: n.file, Line: n.line, Addresses: n.words(), node: n}
		v.Names = vhostNames(n)
		v.Certificates = directives(n, "SSLCertificateFile")
		v.Keys = directives(n, "SSLCertificateKeyFile")
		v.TLS = engineOn(conf, n)
		v.Include = s.ownInclude(n)
		v.Settings = settingsOf(conf, n)
		out = append(out, v)
	}
	return out
}

func vhostNames(n *node) []string {
	var names []string
	if name := last(n.children, "ServerName"); name != nil {
		host := name.arg(0)
		if _, rest, ok := strings.Cut(host, "://"); ok {
			host = rest
		}
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		names = append(names, host)
	}
	for _, alias := range all(n.children, "ServerAlias") {
		names = append(names, alias.words()...)
	}
	return names
}

func directives(n *node, name string) []Directive {
	var out []Directive
	for _, d := range all(n.children, name) {
		out = append(out, Directive{d.arg(0), d.file, d.line})
	}
	return out
}

// engineOn: SSLEngine on in the virtual host, or else in the server.
func engineOn(conf []*node, vhost *node) bool {
	n := last(vhost.children, "SSLEngine")
	if n == nil {
		n = last(conf, "SSLEngine")
	}
	return n != nil && strings.EqualFold(n.arg(0), "on")
}

// ownInclude is the certificate whose include file of ours stands in n.
func (s *Server) ownInclude(n *node) string {
	prefix := s.cfg.EtcDir + "/"
	for _, c := range n.children {
		if name, ok := strings.CutPrefix(c.file, prefix); ok && c.is("SSLCertificateFile") {
			return strings.TrimSuffix(name, ".conf")
		}
	}
	return ""
}

func settingsOf(conf []*node, vhost *node) Settings {
	pick := func(name string, match func(*node) bool, arg int) Directive {
		for _, nodes := range [][]*node{vhost.children, conf} {
			for _, n := range slices.Backward(nodes) {
				if n.is(name) && match(n) {
					return Directive{strings.Join(n.words()[min(arg, len(n.words())):], " "), n.file, n.line}
				}
			}
		}
		return Directive{}
	}
	anyNode := func(*node) bool { return true }
	return Settings{
		Protocol:    pick("SSLProtocol", anyNode, 0),
		Suites12:    pick("SSLCipherSuite", func(n *node) bool { return !isTLS13(n) }, 0),
		Suites13:    pick("SSLCipherSuite", isTLS13, 1),
		Groups:      pick("SSLOpenSSLConfCmd", isGroups, 1),
		ServerOrder: pick("SSLHonorCipherOrder", anyNode, 0),
		Tickets:     pick("SSLSessionTickets", anyNode, 0),
		Stapling:    pick("SSLUseStapling", anyNode, 0),
	}
}

func isTLS13(n *node) bool { return len(n.words()) > 1 && strings.EqualFold(n.arg(0), "TLSv1.3") }

// isGroups: on OpenSSL 3, ECDHParameters sets the same list (measured).
func isGroups(n *node) bool {
	word := strings.ToLower(n.arg(0))
	return word == "curves" || word == "groups" || word == "ecdhparameters"
}
