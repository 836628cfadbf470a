package check

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// leafTypes holds the suites against the keys of the certificates. A host whose
// certificates are all RSA starts with suites for ECDSA only, and no TLS 1.2
// client can connect to it (measured).
//
// What the plan itself would do to a host is refused: ecdsa2016 is for ECDSA by
// its definition, so RSA suites are no way out. What is so already, or is the
// admin's own list, is a warning: refusing would hold up the next renewal. The
// other profiles have suites for both kinds, and none is left out for leaves
// that are not there: they cost nothing, and the next host may have an RSA one.
func (p *planned) leafTypes() {
	already := map[string]bool{}
	for _, v := range p.Server.VHosts {
		already[v.Place()] = p.onlyRSA(v) != nil && onlyECDSA(v.Settings)
	}
	for _, v := range p.hosts() {
		if !v.TLS || !onlyECDSA(v.Settings) {
			continue
		}
		c := p.onlyRSA(v)
		if c == nil {
			continue
		}
		f := conf.Finding{Code: "rsa", File: c.File, Line: c.Line, VHost: v.Name(), Fix: p.rsaFix(v),
			What: fmt.Sprintf("has an RSA certificate, and the suites (%s:%d) are for ECDSA only: no TLS 1.2 client could connect to it", v.Settings.Suites12.File, v.Settings.Suites12.Line)}
		if v.Settings.Suites12.File == p.Effective && !already[v.Place()] {
			p.block(f)
		} else {
			p.warn(f)
		}
	}
}

// rsaFix is the way out: our certificate that waits for the host, a renewal with
// another key, or a line of the admin's.
func (p *planned) rsaFix(v conf.VHost) string {
	include := v.Include
	if include == "" {
		for _, name := range slices.Sorted(maps.Keys(p.Leaves)) {
			if leaf := p.Leaves[name]; len(v.Names) > 0 && leaf.PublicKeyAlgorithm != x509.RSA && leaf.VerifyHostname(v.Names[0]) == nil {
				return "tlskeeper apache adopt " + name
			}
		}
		return "serve an ECDSA certificate there, or give it an SSLCipherSuite of its own, or choose the profile intermediate"
	}
	return `set key_type = "secp384r1" for certificate ` + include + " in the configuration, then tlskeeper issue --force " + include + "; or choose the profile intermediate"
}

// onlyECDSA: a list of suites by name in which none is for RSA keys. A list of
// another form (HIGH:!aNULL) is not judged.
func onlyECDSA(set conf.Settings) bool {
	if set.Suites12.Value == "" || !conf.Allows(cmp.Or(set.Protocol.Value, "all"), "TLSv1.2") {
		return false
	}
	return !slices.ContainsFunc(strings.Split(set.Suites12.Value, ":"), func(suite string) bool { return !strings.HasPrefix(suite, "ECDHE-ECDSA-") })
}

// onlyRSA is the first certificate line of a host that has RSA keys alone, nil
// for any other host.
func (p *planned) onlyRSA(v conf.VHost) *conf.Directive {
	for _, c := range v.Certificates {
		chain, err := httpd.ReadChain(conf.Abs(p.Server.ServerRoot, c.Value))
		if err != nil || chain[0].PublicKeyAlgorithm != x509.RSA {
			return nil
		}
	}
	if len(v.Certificates) == 0 {
		return nil
	}
	return &v.Certificates[0]
}
