package acme

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/acme/store"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

// TermsError says that the CA wants its terms accepted first.
type TermsError struct{ CA, URL string }

func (e *TermsError) Error() string {
	return fmt.Sprintf("the terms of service of %s are not accepted: %s", e.CA, term.Brief(e.URL))
}

// LimitError says that a certificate has more names than its CA allows.
type LimitError struct {
	CA, Profile string
	Names, Most int
}

func (e *LimitError) Error() string {
	profile := "without a profile"
	if e.Profile != "" {
		profile = "in the profile " + e.Profile
	}
	return fmt.Sprintf("%d names in one certificate: %s allows %d %s", e.Names, e.CA, e.Most, profile)
}

// GuardError says that a certificate for the same names was issued a short
// time ago: a loop of ours must not use up the CA's limit for these names.
type GuardError struct {
	CA     string
	Issued time.Time // the last one
	Count  int       // within guardWeek
}

func (e *GuardError) Error() string {
	if e.Count >= guardMost {
		return fmt.Sprintf("%s issued %d certificates for the same names within %d days, the last on %s",
			e.CA, e.Count, int(store.GuardWeek/(24*time.Hour)), e.Issued.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s issued a certificate for the same names on %s, less than %d hours ago",
		e.CA, e.Issued.UTC().Format(time.RFC3339), int(store.GuardPeriod/time.Hour))
}

// BackoffError says that nothing may be tried before Until, and why.
type BackoffError struct {
	Until time.Time
	Cause error // nil where a former run met it
	Why   string
}

func (e *BackoffError) Error() string {
	why := e.Why
	if e.Cause != nil {
		why = e.Cause.Error()
	}
	return fmt.Sprintf("not before %s: %s", e.Until.UTC().Format(time.RFC3339), why)
}

func (e *BackoffError) Unwrap() error { return e.Cause }

// ChallengeError says that the CA did not accept a proof of control.
type ChallengeError struct {
	Name, Type string
	Problem    *Problem
}

func (e *ChallengeError) Error() string {
	return fmt.Sprintf("proving control of %s by %s: %v", e.Name, e.Type, e.Problem)
}

func (e *ChallengeError) Unwrap() error { return e.Problem }

// strangeError says that the CA wants proofs that its order has no use for.
type strangeError struct{ what string }

func (e *strangeError) Error() string { return "the CA asks for " + e.what }

// strange makes one that says what to do: the fault is never on this host.
func strange(what string) error {
	return hint.Wrap(&strangeError{what}, "the order is given up and nothing was shown to the CA: ask it why, or set another ca in [acme]")
}

// LeafError says that what the CA returned is not what was ordered. Nothing of
// it is kept.
type LeafError struct{ Err error }

func (e *LeafError) Error() string {
	return term.Bound("the CA returned a certificate that was not ordered: " + e.Err.Error())
}

func (e *LeafError) Unwrap() error { return e.Err }

// Problem is an error that a CA reported (RFC 7807, RFC 8555 section 6.7). Its
// texts are the CA's: Error escapes them.
type Problem struct {
	Status     int    // of HTTP; 0 where it came inside another object
	Type       string // without the urn:ietf:params:acme:error: in front
	Detail     string
	Identifier string    // the name it is about, where it is about one
	RetryAfter time.Time // zero where the CA did not ask for a pause
	Sub        []Problem
}

const problemSpace = "urn:ietf:params:acme:error:"

func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString("the CA says ")
	p.write(&b)
	for i := range p.Sub {
		if i == mostSub {
			fmt.Fprintf(&b, "; and %d more", len(p.Sub)-i)
			break
		}
		b.WriteString("; ")
		p.Sub[i].write(&b)
	}
	return term.Bound(b.String())
}

// mostSub bounds how many of a CA's subproblems go into a message.
const mostSub = 10

func (p *Problem) write(b *strings.Builder) {
	if p.Identifier != "" {
		b.WriteString(term.Brief(p.Identifier) + ": ")
	}
	switch {
	case p.Type != "" && p.Type != "about:blank":
		b.WriteString(term.Brief(p.Type))
	default:
		b.WriteString("HTTP status " + strconv.Itoa(p.Status))
	}
	if p.Detail != "" {
		b.WriteString(": " + term.Brief(p.Detail))
	}
}

// problemOf takes over a problem that lego parsed.
func problemOf(d *lego.ProblemDetails) *Problem {
	if d == nil {
		return &Problem{Detail: "the CA gave no reason"}
	}
	p := &Problem{Status: d.HTTPStatus, Type: strings.TrimPrefix(d.Type, problemSpace), Detail: d.Detail}
	for _, s := range d.SubProblems {
		p.Sub = append(p.Sub, Problem{Type: strings.TrimPrefix(s.Type, problemSpace), Detail: s.Detail, Identifier: s.Identifier.Value})
	}
	return p
}
