package check

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// warnings look at the planned configuration for what httpd accepts and a
// person would not.
func (p *planned) warnings() {
	global := conf.Last(p.Next, "SSLProtocol")
	for _, v := range p.hosts() {
		if !v.TLS {
			continue
		}
		if p.Profile != "" {
			p.overrides(v)
		}
		p.certificates(v)
	}
	p.leafTypes()
	p.doubleHSTS()
	p.redirectTargets()
	p.lostLog()
	p.warned = append(p.warned, dangling(p.Server, p.Effective)...)
	p.groupCapture()
	for _, n := range append(conf.All(p.Next, "SSLInsecureRenegotiation"), p.inHosts("SSLInsecureRenegotiation")...) {
		if strings.EqualFold(n.Arg(0), "on") {
			p.warn(conf.Finding{Code: "renegotiation", File: n.File, Line: n.Line, What: "SSLInsecureRenegotiation on is still accepted by httpd, and insecure"})
		}
	}
	if p.Profile == "seed2016" && global != nil {
		p.warn(conf.Finding{Code: "old-protocols", File: global.File, Line: global.Line,
			What: "profile seed2016 keeps TLS 1.0 and 1.1 in the file, as its article did; only OpenSSL's security level keeps them off the wire"})
	}
}

func (p *planned) inHosts(name string) []*conf.Node {
	var out []*conf.Node
	for _, v := range conf.All(p.Next, "VirtualHost") {
		out = append(out, conf.All(v.Children, name)...)
	}
	return out
}

// overrides: any line of a virtual host, and a later server line, wins over
// our policy.
func (p *planned) overrides(v conf.VHost) {
	set := v.Settings
	for _, d := range []struct {
		name string
		dir  conf.Directive
	}{{"SSLProtocol", set.Protocol}, {"SSLCipherSuite", set.Suites12}, {"SSLCipherSuite TLSv1.3", set.Suites13},
		{"SSLOpenSSLConfCmd groups", set.Groups}, {"SSLHonorCipherOrder", set.ServerOrder}, {"SSLSessionTickets", set.Tickets}} {
		if d.dir.File == "" || d.dir.File == p.Effective {
			continue
		}
		f := conf.Finding{Code: "override", File: d.dir.File, Line: d.dir.Line, VHost: v.Name(),
			What: fmt.Sprintf("%s %s wins over the profile", d.name, d.dir.Value)}
		if d.name == "SSLOpenSSLConfCmd groups" && dropsPostQuantum(d.dir.Value, p.Server.OpenSSL) {
			f.What += " and switches post-quantum key exchange off"
		}
		if !slices.Contains(p.warned, f) {
			p.warn(f)
		}
	}
}

// dropsPostQuantum: OpenSSL 3.5 has hybrid groups and offers them by itself; a
// list of groups without one switches them off. DEFAULT in a list stands for
// OpenSSL's own. Source: SSL_CTX_set1_groups_list(3).
func dropsPostQuantum(groups, openSSL string) bool {
	upper := strings.ToUpper(groups)
	return conf.AtLeast(openSSL, "3.5.0") && groups != "" && !strings.Contains(upper, "MLKEM") && !strings.Contains(upper, "DEFAULT")
}

// certificates looks at what the planned lines would serve.
func (p *planned) certificates(v conf.VHost) {
	for _, c := range v.Certificates {
		chain, err := httpd.ReadChain(conf.Abs(p.Server.ServerRoot, c.Value))
		if err != nil {
			continue // the shadow says it better
		}
		for _, what := range judge(append(chain, p.chainFile(v)...), v, nil, time.Now()) {
			p.warn(conf.Finding{Code: what.Code, File: c.File, Line: c.Line, VHost: v.Name(), What: what.What})
		}
		if strings.EqualFold(v.Settings.Stapling.Value, "on") && len(chain[0].OCSPServer) == 0 {
			p.warn(conf.Finding{Code: "stapling", File: v.Settings.Stapling.File, Line: v.Settings.Stapling.Line, VHost: v.Name(),
				What: "SSLUseStapling on, but the certificate names no responder: two error lines at each start and no effect"})
		}
	}
}

// chainFile are the certificates of the old way to name intermediates.
func (p *planned) chainFile(v conf.VHost) []*x509.Certificate {
	n := conf.Last(v.Node.Children, "SSLCertificateChainFile")
	if n == nil {
		return nil
	}
	chain, err := httpd.ReadChain(conf.Abs(p.Server.ServerRoot, n.Arg(0)))
	if err != nil {
		return nil // the shadow says it better
	}
	return chain
}

// judge finds what httpd serves without a word: expired, not yet valid, for
// another name, without its intermediate. known are roots that clients have, nil
// for the system's.
func judge(chain []*x509.Certificate, v conf.VHost, known *x509.CertPool, now time.Time) []conf.Finding {
	leaf := chain[0]
	var out []conf.Finding
	add := func(code, format string, args ...any) {
		out = append(out, conf.Finding{Code: code, What: fmt.Sprintf(format, args...)})
	}
	if now.After(leaf.NotAfter) {
		add("expired", "the certificate expired at %s", leaf.NotAfter.Format(time.RFC3339))
	}
	if now.Before(leaf.NotBefore) {
		add("not-yet-valid", "the certificate is valid only from %s", leaf.NotBefore.Format(time.RFC3339))
	}
	for _, name := range conf.PlainNames(v.Names) {
		if leaf.VerifyHostname(name) != nil {
			add("other-name", "the certificate is not valid for %s", name)
		}
	}
	return append(out, chainFaults(leaf, chain[1:], known)...)
}

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
