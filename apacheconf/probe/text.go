package probe

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"tlskeeper/internal/term"
)

// WriteText writes the report for a person. Everything that the server said is
// escaped.
func (r *Report) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, term.Escape(fmt.Sprintf(format, args...)))
	}
	row("server", "%s", Target{Addr: r.Addr, SNI: r.SNI})
	r.writeGrade(row)
	r.writeVersions(row)
	r.writeGroups(row)
	for i := range r.Certificates {
		r.Certificates[i].write(row)
	}
	r.writeFeatures(row)
	r.writeHTTP(row)
	for _, note := range r.Notes {
		row("note", "%s", note)
	}
	row("not tested", "%s", strings.Join(r.NotTested, "; "))
	row("time", "%s", r.Took.Round(time.Millisecond))
	return table.Flush()
}

type writeRow func(name, format string, args ...any)

func (r *Report) writeGrade(row writeRow) {
	row("grade", "%s  (ignoring trust: %s; SSL Labs %s; score %d: protocol %d, key exchange %d, cipher %d)", r.Grade.Letter,
		r.GradeTrusted.Letter, GuideVersion, r.Grade.Score, r.Grade.Protocol, r.Grade.KeyExchange, r.Grade.Cipher)
	for _, reason := range r.Grade.Reasons {
		row("", "%s", reason)
	}
}

func (r *Report) writeVersions(row writeRow) {
	var not []string
	for _, v := range r.Versions {
		if !v.Supported {
			not = append(not, v.Name)
			continue
		}
		order := ""
		if v.Order != "" {
			order = ", " + v.Order + "'s order"
		}
		row(v.Name, "%d suites%s", len(v.Suites), order)
		for _, s := range v.Suites {
			row("", "%s", s.line())
		}
	}
	if len(not) > 0 {
		row("refused", "%s", strings.Join(not, ", "))
	}
}

func (s Suite) line() string {
	var marks []string
	if !s.ForwardSecrecy {
		marks = append(marks, "no forward secrecy")
	}
	if !s.AEAD {
		marks = append(marks, "no AEAD")
	}
	if len(marks) == 0 {
		return s.Label()
	}
	return s.Label() + "  (" + strings.Join(marks, ", ") + ")"
}

func (r *Report) writeGroups(row writeRow) {
	var names []string
	pq := "no"
	for _, g := range r.Groups {
		name := g.Name
		switch {
		case !g.TLS13:
			name += " (before TLS 1.3)"
		case g.PQ:
			pq = "yes"
		}
		names = append(names, name)
	}
	row("groups", "%s", listed(names))
	row("post-quantum", "%s", pq)
	if r.DHBits > 0 {
		row("DHE prime", "%d bits", r.DHBits)
	}
}

func (c *Certificate) write(row writeRow) {
	row("certificate", "%s, serial %s, shown to clients of: %s", c.Key, c.Serial, strings.Join(c.Families, ", "))
	row("", "names: %s", listed(c.Names))
	row("", "issuer: %s", c.Issuer)
	row("", "valid: %s to %s, signed with %s", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), c.Signature)
	row("", "sha256: %s", c.SHA256)
	trust := "trusted"
	if !c.Trusted {
		trust = "not trusted: " + c.TrustError
	}
	if !c.NameMatches {
		trust += "; the name does not match"
	}
	row("", "%s", trust)
	for _, link := range c.Chain {
		row("", "chain: %s (%s, to %s)", link.Subject, link.Key, link.NotAfter.Format(time.DateOnly))
	}
	for _, problem := range c.ChainProblems {
		row("", "chain: %s", problem)
	}
	if c.RootSent {
		row("", "chain: the root is sent too, which clients ignore")
	}
	row("", "SCTs: %s", sctLine(c.SCTs))
	row("", "OCSP: %s", ocspLine(c))
}

func sctLine(scts []SCT) string {
	if len(scts) == 0 {
		return "none"
	}
	var ids []string
	for _, s := range scts {
		ids = append(ids, s.LogID)
	}
	return fmt.Sprintf("%d (%s): %s", len(scts), scts[0].Verified, strings.Join(ids, " "))
}

func ocspLine(c *Certificate) string {
	switch {
	case c.Stapled:
		return "stapled, not verified"
	case len(c.OCSP) == 0:
		return "the certificate names no responder"
	}
	return "not stapled; responder " + strings.Join(c.OCSP, ", ")
}

func (r *Report) writeFeatures(row writeRow) {
	f := r.Features
	row("ALPN", "%s", listed(f.ALPN))
	row("tickets", "TLS 1.2 %s, TLS 1.3 %s; session ids %s", answer(f.Tickets12), answer(f.Tickets13), answer(f.SessionIDs))
	row("handshake", "secure renegotiation %s, extended master secret %s, fallback SCSV %s, compression %s",
		answer(f.SecureRenegotiation), answer(f.ExtendedMaster), answer(f.FallbackSCSV), answer(&f.Compression))
	if f.ClientCertificate {
		row("", "asks for a client certificate")
	}
}

func (r *Report) writeHTTP(row writeRow) {
	switch {
	case r.HTTP == nil:
		row("HTTP", "no answer")
	case r.HTTP.HSTS == nil:
		row("HTTP", "status %d, no HSTS", r.HTTP.Status)
	default:
		row("HTTP", "status %d, HSTS: %s", r.HTTP.Status, r.HTTP.HSTS.Raw)
	}
	if d := r.Redirect; d != nil {
		switch {
		case d.Error != "":
			row("redirect", "%s: %s", d.Addr, d.Error)
		default:
			row("redirect", "%s: status %d %s", d.Addr, d.Status, d.Location)
		}
	}
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// answer is yes, no, or - where the question does not arise.
func answer(b *bool) string {
	switch {
	case b == nil:
		return "-"
	case *b:
		return "yes"
	}
	return "no"
}
