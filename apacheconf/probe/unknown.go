package probe

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Unknown is a question that the server left open: neither yes nor no.
type Unknown struct {
	ID   string `json:"id"`   // stable, for scripts: "version", "suites", ...
	What string `json:"what"` // the version, the family, ... that was asked about
	Why  string `json:"why"`
	// DecidesGrade tells that there is no grade without the answer.
	DecidesGrade bool `json:"decides_grade"`
}

// The IDs of Unknown.
const (
	openVersion       = "version"
	openSuites        = "suites"
	openOrder         = "order"
	openGroups        = "groups"
	openDH            = "dh_bits"
	openCertificate   = "certificate"
	openRenegotiation = "renegotiation"
	openCompression   = "compression"
	openFallback      = "fallback_scsv"
	openALPN          = "alpn"
	openHTTP          = "http"
)

// minor are the questions that no grade depends on.
var minor = []string{openOrder, openFallback, openALPN}

// Answers of Version.
const (
	answerYes     = "yes"
	answerNo      = "no"
	answerUnknown = "unknown"
)

// leave notes that a question stays open.
func (s *scanner) leave(id, what string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, Unknown{ID: id, What: what, Why: plainly(why), DecidesGrade: !slices.Contains(minor, id)})
}

// plainly leaves addresses out, which the report begins with.
func plainly(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, errNotAsked), errors.Is(err, errMalformed):
		return err.Error()
	case isTimeout(err):
		return "no answer in time, also when asked again"
	case isHangup(err):
		return "the server closes the connection, as it does with what it has answered before"
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// leaveRefusals takes back every no of a server that does not stand by its
// answers: one that hung up on what it answered when asked again, or that in
// the end does not answer any more what it answered at the beginning.
func (s *scanner) leaveRefusals(r *Report, why string) {
	for i := range r.Versions {
		v := &r.Versions[i]
		switch v.Answer {
		case answerNo:
			v.Answer = answerUnknown
			s.leave(openVersion, v.Name, errors.New(why))
		case answerYes:
			s.leave(openSuites, v.Name, errors.New(why))
		}
	}
}

// unknown are the open questions in a steady order, each once.
func (s *scanner) unknown() []Unknown {
	slices.SortStableFunc(s.open, func(a, b Unknown) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.What, b.What)) })
	return slices.CompactFunc(s.open, func(a, b Unknown) bool { return a.ID == b.ID && a.What == b.What })
}

// questions say what an ID asks.
var questions = map[string]string{
	openVersion: "whether %s is supported", openSuites: "which other suites %s has", openOrder: "who chooses the suite of %s",
	openGroups: "which other groups %s has", openDH: "the size of the DHE prime of %s",
	openCertificate:   "the certificate for clients of: %s",
	openRenegotiation: "secure renegotiation, tickets and the like of %s", openCompression: "compression of %s",
	openFallback: "fallback SCSV with %s", openALPN: "ALPN of %s", openHTTP: "the answer to %s, and with it HSTS",
}

func (u Unknown) line() string {
	return fmt.Sprintf(questions[u.ID], u.What) + " (" + u.Why + ")"
}

func (r *Report) isOpen(id string) bool {
	return slices.ContainsFunc(r.Unknown, func(u Unknown) bool { return u.ID == id })
}

// Graded tells whether everything is known that the grade depends on, which is
// all about versions, suites, groups, certificates and the answer over HTTP.
func (r *Report) Graded() bool {
	return !slices.ContainsFunc(r.Unknown, func(u Unknown) bool { return u.DecidesGrade })
}

// advice is what to do about open questions.
func advice(t Target) string {
	host, port, _ := net.SplitHostPort(t.Addr)
	scan := "tlskeeper scan " + t.Addr
	text := "ask again later, or from another address"
	if !t.Pace.Slow {
		text = "ask slowly: " + scan + " --slow; else later, or from another address"
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() || t.SNI == "" {
		return text
	}
	return text + fmt.Sprintf("; on the server itself: tlskeeper scan 127.0.0.1:%s --sni %s", port, t.SNI)
}
