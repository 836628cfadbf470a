package conf

import (
	"fmt"
	"net"
	"path"
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

	Node *Node `json:"-"`
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

// Canonical is the one spelling of an address of a <VirtualHost>: _default_
// and * are the same since httpd 2.4.
func Canonical(address string) string {
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

// Covers tells whether the virtual host answers to a name, by ServerName or
// alias, in httpd's way (* and ? in an alias).
func (v VHost) Covers(name string) bool {
	return slices.ContainsFunc(v.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

// Hosts reads the virtual hosts of an effective configuration, on disk or
// planned. Our own includes are those of etcDir.
func Hosts(conf []*Node, etcDir string) []VHost {
	var out []VHost
	for _, n := range All(conf, "VirtualHost") {
		v := VHost{File: n.File, Line: n.Line, Addresses: n.Words(), Node: n}
		v.Names = NamesOf(n)
		v.Certificates = directives(n, "SSLCertificateFile")
		v.Keys = directives(n, "SSLCertificateKeyFile")
		v.TLS = EngineOn(conf, n)
		v.Include = ownInclude(n, etcDir)
		v.Settings = SettingsOf(conf, n)
		out = append(out, v)
	}
	return out
}

// NamesOf are the names of a <VirtualHost>: ServerName without scheme and port,
// then the aliases.
func NamesOf(n *Node) []string {
	var names []string
	if name := Last(n.Children, "ServerName"); name != nil {
		host := name.Arg(0)
		if _, rest, ok := strings.Cut(host, "://"); ok {
			host = rest
		}
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		names = append(names, host)
	}
	for _, alias := range All(n.Children, "ServerAlias") {
		names = append(names, alias.Words()...)
	}
	return names
}

func directives(n *Node, name string) []Directive {
	var out []Directive
	for _, d := range All(n.Children, name) {
		out = append(out, Directive{d.Arg(0), d.File, d.Line})
	}
	return out
}

// EngineOn: SSLEngine on in the virtual host, or else in the server.
func EngineOn(conf []*Node, vhost *Node) bool {
	n := Last(vhost.Children, "SSLEngine")
	if n == nil {
		n = Last(conf, "SSLEngine")
	}
	return n != nil && strings.EqualFold(n.Arg(0), "on")
}

// ownInclude is the certificate whose include file of ours stands in n.
func ownInclude(n *Node, etcDir string) string {
	prefix := etcDir + "/"
	for _, c := range n.Children {
		if name, ok := strings.CutPrefix(c.File, prefix); ok && c.Is("SSLCertificateFile") {
			return strings.TrimSuffix(name, ".conf")
		}
	}
	return ""
}

// SettingsOf are the TLS directives that hold in a virtual host of conf.
func SettingsOf(conf []*Node, vhost *Node) Settings {
	pick := func(name string, match func(*Node) bool, arg int) Directive {
		for _, nodes := range [][]*Node{vhost.Children, conf} {
			for _, n := range slices.Backward(nodes) {
				if n.Is(name) && match(n) {
					return Directive{strings.Join(n.Words()[min(arg, len(n.Words())):], " "), n.File, n.Line}
				}
			}
		}
		return Directive{}
	}
	anyNode := func(*Node) bool { return true }
	return Settings{
		Protocol:    pick("SSLProtocol", anyNode, 0),
		Suites12:    pick("SSLCipherSuite", func(n *Node) bool { return !IsTLS13(n) }, 0),
		Suites13:    pick("SSLCipherSuite", IsTLS13, 1),
		Groups:      pick("SSLOpenSSLConfCmd", IsGroups, 1),
		ServerOrder: pick("SSLHonorCipherOrder", anyNode, 0),
		Tickets:     pick("SSLSessionTickets", anyNode, 0),
		Stapling:    pick("SSLUseStapling", anyNode, 0),
	}
}

// IsTLS13 tells whether an SSLCipherSuite is the list for TLS 1.3.
func IsTLS13(n *Node) bool { return len(n.Words()) > 1 && strings.EqualFold(n.Arg(0), "TLSv1.3") }

// IsGroups: on OpenSSL 3, ECDHParameters sets the same list (measured).
func IsGroups(n *Node) bool {
	word := strings.ToLower(n.Arg(0))
	return word == "curves" || word == "groups" || word == "ecdhparameters"
}

// Place is "file:line name".
func (v VHost) Place() string { return fmt.Sprintf("%s:%d %s", v.File, v.Line, v.Name()) }

// Answers tells whether httpd would choose the host for this name, wildcard
// aliases (* and ?) included.
func (v VHost) Answers(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(v.Names, func(n string) bool {
		pattern := strings.NewReplacer(`\`, `\\`, "[", `\[`).Replace(strings.ToLower(n))
		matched, err := path.Match(pattern, name) // no name has a slash
		return err == nil && matched
	})
}

// FirstHosts are, for each address as Canonical writes it, the virtual host that
// httpd takes for names that none has.
func FirstHosts(hosts []VHost) map[string]VHost {
	out := map[string]VHost{}
	for _, v := range hosts {
		for _, a := range v.Addresses {
			if a = Canonical(a); out[a].Node == nil {
				out[a] = v
			}
		}
	}
	return out
}

const maxNames = 30 // names of one virtual host that are tried

// PlainNames are those that a client can ask for: no wildcards, no addresses, and
// no more than a scan can try.
func PlainNames(names []string) []string {
	var out []string
	for _, n := range names {
		if !strings.ContainsAny(n, "*?") && net.ParseIP(n) == nil && len(out) < maxNames {
			out = append(out, n)
		}
	}
	return out
}
