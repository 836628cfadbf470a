package check

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// tlsHosts looks at one TLS virtual host after the other.
func (p *planned) tlsHosts() {
	for _, v := range p.hosts() {
		if !v.TLS {
			continue
		}
		if p.Profile != "" {
			p.overrides(v)
		}
		p.certificates(v)
	}
}

// certificates looks at what the planned lines would serve.
func (p *planned) certificates(v conf.VHost) {
	for _, c := range v.Certificates {
		chain, err := httpd.ReadChain(conf.Abs(p.Server.ServerRoot, c.Value))
		if err != nil {
			continue // the shadow says it better
		}
		for _, f := range judge(append(chain, p.chainFile(v)...), v, nil, time.Now()) {
			f.File, f.Line, f.VHost = c.File, c.Line, v.Name()
			p.warn(f)
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
	if now.After(leaf.NotAfter) {
		out = append(out, conf.Finding{Code: "expired", What: fmt.Sprintf("the certificate expired at %s", leaf.NotAfter.Format(time.RFC3339))})
	}
	if now.Before(leaf.NotBefore) {
		out = append(out, conf.Finding{Code: "not-yet-valid", What: fmt.Sprintf("the certificate is valid only from %s", leaf.NotBefore.Format(time.RFC3339))})
	}
	for _, name := range conf.PlainNames(v.Names) {
		if leaf.VerifyHostname(name) != nil {
			out = append(out, conf.Finding{Code: "other-name", What: fmt.Sprintf("the certificate is not valid for %s", name)})
		}
	}
	return append(out, chainFaults(leaf, chain[1:], known)...)
}
