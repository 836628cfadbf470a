package schedule

import (
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"math/rand/v2"
	"time"
)

// ARI is what a CA said about the renewal of one certificate (RFC 9773), and
// the moment we chose. It is kept on disk: a moment rolled anew at each run
// would be early on the average.
type ARI struct {
	CertID         string    `json:"cert_id"`
	Start          time.Time `json:"start"`
	End            time.Time `json:"end"`
	Chosen         time.Time `json:"chosen"`
	NextPoll       time.Time `json:"next_poll"`
	ExplanationURL string    `json:"explanation_url,omitempty"`
	Moved          bool      `json:"moved,omitempty"` // the window was moved forward since we first saw it
}

// Urgent tells that the CA has moved the renewal of cert into the past: it is
// about to be revoked. A window that was in the past from the beginning is a
// CA's mistake, and must not lead to one certificate after another.
func (a *ARI) Urgent(cert *x509.Certificate, now time.Time) bool {
	return a.CertID == CertID(cert) && a.Moved && a.End.Before(now)
}

// Bounds of the pause between two questions (RFC 9773, section 4.3.2).
const (
	minPoll     = time.Minute
	defaultPoll = 6 * time.Hour
	MaxPoll     = 24 * time.Hour
)

// CertID names a certificate for ARI (RFC 9773, section 4.1); "" where it has
// no authority key identifier.
func CertID(cert *x509.Certificate) string {
	if len(cert.AuthorityKeyId) == 0 {
		return ""
	}
	b64 := base64.RawURLEncoding
	return b64.EncodeToString(cert.AuthorityKeyId) + "." + b64.EncodeToString(derInteger(cert.SerialNumber))
}

// derInteger is the content of the serial's DER encoding: two's complement, so
// with a zero in front of a set high bit.
func derInteger(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

// Usable hides a record that holds no window, only the time of the next poll.
func (a *ARI) Usable() *ARI {
	if a == nil || a.Chosen.IsZero() {
		return nil
	}
	return a
}

// Answer is a CA's answer; zero where none came or it made no sense.
type Answer struct {
	Window struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"suggestedWindow"`
	ExplanationURL string    `json:"explanationURL"`
	Retry          time.Time `json:"-"` // of the Retry-After header; zero where none was sent
}

// maxURL bounds the address of an explanation, in bytes.
const maxURL = 2000

// Update folds an answer into what was known (nil: nothing). The choice stays
// as long as the window does.
func (a *ARI) Update(id string, answer Answer, now time.Time) *ARI {
	next := ARI{CertID: id}
	if a != nil {
		next = *a
	}
	next.NextPoll = now.Add(pollPause(answer.Retry, now))
	start, end := answer.Window.Start, answer.Window.End
	if !start.Before(end) { // malformed, RFC 9773 section 4.2
		return &next
	}
	if next.ExplanationURL = answer.ExplanationURL; len(answer.ExplanationURL) > maxURL {
		next.ExplanationURL = "" // a part of an address leads nowhere
	}
	if start.Equal(next.Start) && end.Equal(next.End) {
		return &next
	}
	if !next.Start.IsZero() && start.Before(next.Start) {
		next.Moved = true
	}
	next.Start, next.End = start, end
	next.Chosen = start.Add(rand.N(end.Sub(start)))
	return &next
}

func pollPause(retry, now time.Time) time.Duration {
	if retry.IsZero() {
		return defaultPoll
	}
	return min(max(retry.Sub(now), minPoll), MaxPoll)
}
