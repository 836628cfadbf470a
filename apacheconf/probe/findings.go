package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Finding is one way in which a server differs from what it should be.
type Finding struct {
	ID    string `json:"id"`    // stable, for scripts: "version", "suite", ...
	Text  string `json:"text"`  // Found and Want in one sentence without a full stop
	Found string `json:"found"` // what the server does
	Want  string `json:"want"`  // what it should do
}

// Check compares the report with the profile: what is supported and should not
// be, what is missing, and what is wrong with certificate and headers under any
// profile. No findings is nil.
func (r *Report) Check(p Profile) []Finding {
	c := &check{report: r, profile: p}
	c.versions()
	c.suites()
	c.groups()
	c.features()
	c.hsts()
	for i := range r.Certificates {
		c.certificate(&r.Certificates[i])
	}
	for _, u := range r.Unknown {
		c.add("incomplete", "not known, and so not checked: "+u.line(), r.Next)
	}
	return c.found
}

type check struct {
	report  *Report
	profile Profile
	found   []Finding
}

func (c *check) add(id, found, want string) {
	c.found = append(c.found, Finding{ID: id, Found: found, Want: want, Text: found + "; " + want})
}

// wants says what the profile wants of one kind of thing.
func (c *check) wants(format string, args ...any) string {
	return "profile " + c.profile.Name + " wants " + fmt.Sprintf(format, args...)
}

func (c *check) versions() {
	p := c.profile
	for _, v := range c.report.Versions {
		allowed := slices.Contains(p.Versions, v.Name)
		switch {
		case v.Supported && !allowed && len(p.Versions) > 0:
			c.add("version", v.Name+" is supported", c.wants("only %s", strings.Join(p.Versions, ", ")))
		case !v.Supported && v.Answer != answerUnknown && slices.Contains(p.Required, v.Name):
			c.add("version", v.Name+" is not supported", c.wants("it"))
		}
	}
}

func (c *check) suites() {
	p := c.profile
	for _, v := range c.report.Versions {
		if len(p.Versions) > 0 && !slices.Contains(p.Versions, v.Name) {
			continue // the version is the finding
		}
		var beyond []string
		for _, s := range v.Suites {
			if !p.allows(s) {
				beyond = append(beyond, s.Label())
			}
		}
		if len(beyond) > 0 {
			c.add("suite", v.Name+" accepts "+strings.Join(beyond, ", "), c.wants("only %s", strings.Join(p.suitesOf(v), ", ")))
		}
		if p.ServerOrder && v.Order == "client" && v.Name != "TLSv1.3" {
			c.add("order", v.Name+" leaves the choice of suite to the client", c.wants("the server's order (SSLHonorCipherOrder on)"))
		}
	}
}

func (c *check) groups() {
	if len(c.profile.Groups) == 0 {
		return
	}
	var beyond []string
	for _, g := range c.report.Groups {
		if !slices.ContainsFunc(c.profile.Groups, func(name string) bool { return sameGroup(name, g.Name) }) {
			beyond = append(beyond, g.Name)
		}
	}
	if len(beyond) > 0 {
		c.add("group", "key exchange with "+strings.Join(beyond, ", ")+" is accepted", c.wants("only %s", strings.Join(c.profile.Groups, ", ")))
	}
}

func (c *check) features() {
	f := c.report.Features
	if f.Compression {
		c.add("compression", "TLS compression is on (CRIME)", "switch it off: SSLCompression off")
	}
	if f.SecureRenegotiation != nil && !*f.SecureRenegotiation {
		c.add("renegotiation", "secure renegotiation is missing", "every server should have it (RFC 5746)")
	}
}

func (c *check) hsts() {
	if c.report.HTTP == nil || c.report.HTTP.HSTS == nil {
		return
	}
	switch h := c.report.HTTP.HSTS; {
	case h.Headers > 1:
		c.add("hsts", fmt.Sprintf("Strict-Transport-Security is sent %d times, first as: %s", h.Headers, shortened(h.Raw)),
			"send it once: browsers obey the first and ignore the others")
	case !h.Valid:
		c.add("hsts", "Strict-Transport-Security is invalid: "+shortened(h.Raw),
			"browsers ignore it; a right one is max-age=63072000")
	}
}

func (c *check) certificate(cert *Certificate) {
	now, which := c.report.Time, "the "+cert.Key+" certificate"
	switch {
	case now.After(cert.NotAfter):
		c.add("certificate", which+" expired on "+cert.NotAfter.Format(time.DateOnly), "renew it")
	case now.Before(cert.NotBefore):
		c.add("certificate", which+" is not valid before "+cert.NotBefore.Format(time.DateOnly), "check the clocks of CA and server")
	case !cert.Trusted:
		c.add("trust", which+" is not trusted: "+cert.TrustError, trustAdvice(cert))
	}
	if !cert.NameMatches {
		c.add("name", which+" is for "+few(cert.Names), "it should be for "+c.report.SNI)
	}
	for _, problem := range cert.ChainProblems {
		c.add("chain", problem, "send the leaf first and each issuer after it")
	}
	c.staple(cert, which)
	c.scts(cert, which)
}

func trustAdvice(cert *Certificate) string {
	if cert.Incomplete {
		return "send the intermediate too: SSLCertificateFile should name the full chain"
	}
	return "use a CA that clients trust, or give its certificate with --ca"
}

func (c *check) staple(cert *Certificate, which string) {
	if cert.Staple == nil {
		if cert.MustStaple {
			c.add("ocsp", which+" demands a stapled OCSP response and none is sent", "SSLUseStapling on, or a certificate without must-staple")
		}
		return
	}
	switch s := cert.Staple; s.Status {
	case stapleRevoked:
		c.add("ocsp", which+" is revoked since "+s.RevokedAt.Format(time.DateOnly), "replace it")
	case stapleInvalid, stapleUnknown:
		c.add("ocsp", which+" comes with an OCSP response of status "+s.Status+optional(": ", s.Why), "staple a good one, or none")
	}
}

// scts finds fault with what a log did not sign, and with too few SCTs where
// the list of logs is young enough to tell. A certificate without any is not
// from a public CA.
func (c *check) scts(cert *Certificate, which string) {
	for _, s := range cert.SCTs {
		if s.Verified == sctInvalid {
			c.add("sct", which+" has a bad SCT: "+s.Why, "browsers do not count it; ask the CA, or check SSLOpenSSLConfCmd ServerInfoFile")
		}
	}
	if p := cert.CT; p != nil && p.Met == policyNotMet && !p.Stale {
		c.add("sct", fmt.Sprintf("%s has %d valid SCTs of %d operators", which, p.Valid, p.Operators),
			fmt.Sprintf("Chrome wants %d of two operators from a public CA (policy of %s)", p.Need, p.AsOf))
	}
}

func optional(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
