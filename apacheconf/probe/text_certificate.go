package probe

import (
	"fmt"
	"strings"
	"time"
)

// maxNames is how many names of a certificate are printed; some have thousands.
const maxNames = 12

func (c *Certificate) write(l *layout) {
	l.row("certificate", "%s, shown to clients of: %s", c.Key, strings.Join(c.Families, ", "))
	l.row("", "names: %s", shortList(c.Names, maxNames))
	l.row("", "issuer: %s", shortened(c.Issuer))
	l.row("", "valid: %s to %s, signed with %s", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), c.Signature)
	l.row("", "serial: %s", c.Serial)
	l.row("", "sha256: %s", c.SHA256)
	trust := "trusted"
	if !c.Trusted {
		trust = "not trusted: " + shortened(c.TrustError)
	}
	if !c.NameMatches {
		trust += "; the name does not match"
	}
	l.row("", "%s", trust)
	c.writeChain(l)
	c.writeSCTs(l)
	l.row("", "OCSP: %s", c.ocspLine())
}

func (c *Certificate) writeChain(l *layout) {
	for _, link := range c.Chain[:min(len(c.Chain), maxNames)] {
		l.row("", "chain: %s (%s, to %s)", shortened(link.Subject), link.Key, link.NotAfter.Format(time.DateOnly))
	}
	if more := len(c.Chain) - maxNames; more > 0 {
		l.row("", "chain: and %d more", more)
	}
	for _, problem := range c.ChainProblems {
		l.row("", "chain: %s", problem)
	}
	if c.RootSent {
		l.row("", "chain: the root is sent too, which clients ignore")
	}
}

func (c *Certificate) writeSCTs(l *layout) {
	if len(c.SCTs) == 0 {
		l.row("", "SCTs: none")
		return
	}
	for _, s := range c.SCTs {
		l.row("", "SCT: %s", s.line())
	}
	p := c.CT
	age := ""
	if p.Stale {
		age = ", too old to call a log unknown"
	}
	l.row("", "SCTs: %d valid of %s, Chrome's policy of %s needs %d of two operators: %s (logs known on %s%s)",
		p.Valid, counted(p.Operators, "operator"), p.AsOf, p.Need, p.verdict(), p.LogList.Format(time.DateOnly), age)
}

func (p *CTPolicy) verdict() string {
	return map[string]string{policyMet: "met", policyNotMet: "not met", policyUnclear: "cannot be told"}[p.Met]
}

func (s SCT) line() string {
	where := map[string]string{sctInCertificate: "in the certificate", sctInTLS: "by TLS", sctInOCSP: "by OCSP"}[s.Source]
	name := s.Log
	if name == "" {
		name = s.LogID
	}
	if s.Time.IsZero() { // it could not be read
		return s.Verified + ", " + where + optional(": ", s.Why)
	}
	return fmt.Sprintf("%s, %s%s, %s, %s%s", strings.ReplaceAll(s.Verified, "_", " "), name, optional(" ", bracketed(s.LogState)),
		s.Time.Format(time.DateOnly), where, optional(": ", s.Why))
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func (c *Certificate) ocspLine() string {
	switch {
	case c.Staple != nil:
		return "stapled, " + c.Staple.line()
	case c.MustStaple:
		return "not stapled, though the certificate demands it"
	case len(c.OCSP) == 0:
		return "the certificate names no responder"
	}
	return "not stapled; responder " + shortList(c.OCSP, maxNames)
}

func (s *Staple) line() string {
	switch {
	case s.Why != "":
		return s.Status + ": " + s.Why
	case s.Status == stapleRevoked:
		return "revoked since " + s.RevokedAt.Format(time.DateOnly)
	case s.NextUpdate.IsZero():
		return s.Status + ", of " + s.ThisUpdate.Format(time.DateTime)
	}
	return fmt.Sprintf("%s, of %s, until %s UTC", s.Status, s.ThisUpdate.Format(time.DateTime), s.NextUpdate.Format(time.DateTime))
}

// shortList names at most so many of a list.
func shortList(list []string, most int) string {
	if len(list) <= most {
		return shortened(listed(list))
	}
	return fmt.Sprintf("%s and %d more", shortened(strings.Join(list[:most], ", ")), len(list)-most)
}

// shortened cuts a text that only a hostile certificate makes so long.
func shortened(s string) string {
	const most = 600
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
