package probe

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// gradeRule caps the grade where applies gives a reason. A cap of A- is what
// the guide calls a warning.
type gradeRule struct {
	cap     string
	applies func(*Report) string
}

// gradeRules are the rules of the guide's Changes sections up to 2009r that
// can be seen in a handshake.
var gradeRules = []gradeRule{
	{"F", suiteRule("no encryption or less than 112 bits", func(_ Version, s Suite) bool { return s.Bits < 112 })},
	{"F", suiteRule("no authentication", func(_ Version, s Suite) bool { return s.Auth == "anon" })},
	{"F", keyRule("insecure key", func(kind string, bits int) bool { return keyScore(kind, bits) < 80 })},
	{"F", signatureRule("MD2", "MD5")},
	{"C", func(r *Report) string {
		return when(r.version(tls.VersionTLS12) == nil && r.version(tls.VersionTLS13) == nil, "no TLS 1.2")
	}},
	{"C", suiteRule("64-bit block cipher with TLS 1.1 or newer", func(v Version, s Suite) bool { return v.Code >= tls.VersionTLS11 && hasSmallBlocks(s) })},
	{"C", suiteRule("RC4 with TLS 1.1 or newer", func(v Version, s Suite) bool { return v.Code >= tls.VersionTLS11 && isRC4(s) })},
	{"C", func(r *Report) string { return when(r.Features.Compression, "TLS compression (CRIME)") }},
	{"C", suiteRule("CBC with SSL 3 (POODLE)", func(v Version, s Suite) bool { return v.Code == versionSSL30 && strings.Contains(s.Cipher, "CBC") })},
	{"B", func(r *Report) string { return when(r.version(versionSSL30) != nil, "SSL 3 is supported") }},
	{"B", func(r *Report) string { return when(r.version(tls.VersionTLS10) != nil, "TLS 1.0 is supported") }},
	{"B", func(r *Report) string { return when(r.version(tls.VersionTLS11) != nil, "TLS 1.1 is supported") }},
	{"B", suiteRule("RC4", func(_ Version, s Suite) bool { return isRC4(s) })},
	{"B", keyRule("weak key", func(kind string, bits int) bool { return keyScore(kind, bits) < 90 })},
	{"B", func(r *Report) string {
		return when(0 < r.DHBits && r.DHBits < 2048, fmt.Sprintf("DH prime of %d bits", r.DHBits))
	}},
	{"B", incompleteChain},
	{"B", func(r *Report) string {
		return when(!anySuite(r, func(s Suite) bool { return s.ForwardSecrecy }), "no forward secrecy")
	}},
	{"B", func(r *Report) string {
		return when(!anySuite(r, func(s Suite) bool { return s.AEAD }), "no AEAD suite")
	}},
	{"A-", func(r *Report) string { return when(r.version(tls.VersionTLS13) == nil, "no TLS 1.3") }},
	{"A-", func(r *Report) string {
		secure := r.Features.SecureRenegotiation
		return when(secure != nil && !*secure, "no secure renegotiation")
	}},
	{"A-", faultyHSTS},
}

func when(yes bool, reason string) string {
	if yes {
		return reason
	}
	return ""
}

// suiteRule names the suites of supported versions that match.
func suiteRule(what string, match func(Version, Suite) bool) func(*Report) string {
	return func(r *Report) string {
		var found []string
		seen := map[Code]bool{}
		for v, s := range r.suites {
			if match(v, s) && !seen[s.ID] {
				seen[s.ID] = true
				found = append(found, s.Label())
			}
		}
		return when(len(found) > 0, what+": "+few(found))
	}
}

// few names at most three of a list.
func few(list []string) string { return shortList(list, 3) }

func keyRule(what string, match func(kind string, bits int) bool) func(*Report) string {
	return func(r *Report) string {
		for _, c := range r.Certificates {
			if match(c.Key, c.KeyBits) {
				return what + ": " + c.Key
			}
		}
		return ""
	}
}

// signatureRule looks at the leaves: what signs a root does not matter, and
// crypto/x509 refuses old signatures further up as untrusted.
func signatureRule(hashes ...string) func(*Report) string {
	return func(r *Report) string {
		for _, c := range r.Certificates {
			for _, hash := range hashes {
				if strings.Contains(c.Signature, hash) {
					return "certificate signed with " + c.Signature
				}
			}
		}
		return ""
	}
}

func hasSmallBlocks(s Suite) bool {
	for _, small := range []string{"DES", "IDEA", "RC2", "28147", "MAGMA"} {
		if strings.Contains(s.Cipher, small) {
			return true
		}
	}
	return false
}

func isRC4(s Suite) bool { return strings.HasPrefix(s.Cipher, "RC4") }

func anySuite(r *Report, match func(Suite) bool) bool {
	for _, s := range r.suites {
		if match(s) {
			return true
		}
	}
	return false
}

func incompleteChain(r *Report) string {
	for _, c := range r.Certificates {
		if c.Incomplete {
			return "incomplete chain: " + c.TrustError
		}
	}
	return ""
}

// faultyHSTS is about a header that was sent: none at all only bars A+.
func faultyHSTS(r *Report) string {
	if r.HTTP == nil || r.HTTP.HSTS == nil || longHSTS(r) {
		return ""
	}
	switch h := r.HTTP.HSTS; {
	case !h.Valid:
		return "HSTS header is invalid"
	case h.MaxAge == 0:
		return "HSTS is switched off (max-age=0)"
	default:
		return fmt.Sprintf("HSTS is short: %d seconds, less than six months", h.MaxAge)
	}
}
