package probe

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText writes the report for a person.
func (r *Report) WriteText(w io.Writer) error {
	l := &layout{w: w}
	l.row("server", "%s", Target{Addr: r.Addr, SNI: r.SNI})
	if r.Address != "" && r.Address != hostOf(r.Addr) {
		l.row("address", "%s", r.Address)
	}
	r.writeGrade(l)
	r.writeVersions(l)
	r.writeGroups(l)
	for i := range r.Certificates {
		r.Certificates[i].write(l)
	}
	r.writeFeatures(l)
	r.writeHTTP(l)
	for _, note := range r.Notes {
		l.row("note", "%s", note)
	}
	for i, u := range r.Unknown {
		l.row([]string{"not known", ""}[min(i, 1)], "%s", u.line())
	}
	if r.Next != "" {
		l.row("next", "%s", r.Next)
	}
	l.row("not tested", "%s", strings.Join(r.NotTested, "; "))
	l.row("time", "%s", r.Took.Round(time.Millisecond))
	return l.err
}

func (r *Report) writeGrade(l *layout) {
	g := r.Grade
	if !r.Graded() {
		l.row("grade", "none: what decides it is not known, see below")
		return
	}
	l.row("grade", "%s (ignoring trust: %s), SSL Labs %s", g.Letter, r.GradeTrusted.Letter, guideVersion)
	l.row("", "score %d: protocol %d, key exchange %d, cipher %d", g.Score, g.Protocol, g.KeyExchange, g.Cipher)
	for _, reason := range g.Reasons {
		l.row("", "%s", reason)
	}
}

func (r *Report) writeVersions(l *layout) {
	var not, open []string
	for _, v := range r.Versions {
		switch {
		case v.Answer == answerUnknown:
			open = append(open, v.Name)
			continue
		case !v.Supported:
			not = append(not, v.Name)
			continue
		}
		order := ""
		if v.Order != "" {
			order = ", " + v.Order + "'s order"
		}
		l.row(v.Name, "%s%s", counted(len(v.Suites), "suite"), order)
		for _, s := range v.Suites {
			l.row("", "%s", s.line())
		}
	}
	if len(not) > 0 {
		l.row("refused", "%s", strings.Join(not, ", "))
	}
	if len(open) > 0 {
		l.row("unknown", "%s", strings.Join(open, ", "))
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
	return s.Label() + " (" + strings.Join(marks, ", ") + ")"
}

func (r *Report) writeGroups(l *layout) {
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
	open := r.isOpen(openGroups) || r.isOpen(openVersion)
	if len(names) == 0 && open {
		names = []string{answerUnknown}
	}
	if pq == "no" && open {
		pq = answerUnknown
	}
	l.row("groups", "%s", listed(names))
	l.row("post-quantum", "%s", pq)
	if r.DHBits > 0 {
		l.row("DHE prime", "%d bits", r.DHBits)
	}
}

func (r *Report) writeFeatures(l *layout) {
	f := r.Features
	alpn := listed(f.ALPN)
	if len(f.ALPN) == 0 && (r.isOpen(openALPN) || r.isOpen(openHTTP)) {
		alpn = answerUnknown
	}
	l.row("ALPN", "%s", alpn)
	hello := func(b *bool) string { return r.answer(openRenegotiation, b) }
	l.row("tickets", "TLS 1.2 %s, TLS 1.3 %s; session ids %s", hello(f.Tickets12), r.answer(openHTTP, f.Tickets13), hello(f.SessionIDs))
	l.row("handshake", "secure renegotiation %s, extended master secret %s, fallback SCSV %s, compression %s",
		hello(f.SecureRenegotiation), hello(f.ExtendedMaster), r.answer(openFallback, f.FallbackSCSV), r.compression())
	if f.ClientCertificate {
		l.row("", "asks for a client certificate")
	}
}

func (r *Report) writeHTTP(l *layout) {
	if r.HTTP == nil && r.isOpen(openHTTP) {
		l.row("HTTP", "unknown")
	} else if r.HTTP == nil {
		l.row("HTTP", "no answer")
	} else {
		l.row("HTTP", "status %d, %s", r.HTTP.Status, r.HTTP.HSTS.line())
	}
	switch d := r.Redirect; {
	case d == nil:
	case d.Error != "":
		l.row("redirect", "%s: %s", d.Addr, d.Error)
	case d.ToHTTPS:
		l.row("redirect", "%s: status %d to %s", d.Addr, d.Status, shortened(d.Location))
	default:
		l.row("redirect", "%s: status %d, does not lead to https", d.Addr, d.Status)
	}
}

func (h *HSTS) line() string {
	if h == nil {
		return "no HSTS"
	}
	text := "HSTS " + shortened(h.Raw)
	if !h.Valid {
		text += " (invalid, browsers ignore it)"
	}
	if h.Headers > 1 {
		text += fmt.Sprintf(" (sent %d times, the first counts)", h.Headers)
	}
	return text
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// answer is what is known of a feature. One that was asked about in no version
// is unknown where a version is.
func (r *Report) answer(id string, b *bool) string {
	if r.isOpen(id) || b == nil && r.isOpen(openVersion) {
		return answerUnknown
	}
	return answer(b)
}

// compression was asked about together with secure renegotiation.
func (r *Report) compression() string {
	if r.Features.SecureRenegotiation == nil && r.isOpen(openVersion) {
		return answerUnknown
	}
	return r.answer(openCompression, &r.Features.Compression)
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
