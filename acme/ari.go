package acme

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
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
	maxPoll     = 24 * time.Hour
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

// RenewalInfo returns the renewal information of g: the stored one while the
// CA does not want to be asked again, else a new answer, which is stored. A
// failure comes beside what was known before, and is never a reason not to
// renew. nil without an error: the CA has none to give.
func (c *Client) RenewalInfo(ctx context.Context, g Generation) (*ARI, error) {
	now := time.Now()
	id, to := CertID(g.Leaf), c.endpointOf(g.Meta.Directory)
	state, err := c.store.state(g.Name)
	if err != nil {
		return nil, err
	}
	known := state.ARI
	if known != nil && known.CertID != id {
		known = nil // of a certificate that was replaced
	}
	if known != nil && now.Before(known.NextPoll) {
		return usable(known), nil
	}
	if id == "" || to == nil || !now.Before(g.Leaf.NotAfter) {
		return usable(known), nil
	}
	answer, err := c.askRenewalInfo(ctx, to, id)
	next := known.update(id, answer, now)
	if saveErr := c.store.change(g.Name, func(s *State) { s.ARI = next }); saveErr != nil {
		return usable(next), saveErr
	}
	return usable(next), err
}

// usable hides a record that holds no window, only the time of the next poll.
func usable(a *ARI) *ARI {
	if a == nil || a.Chosen.IsZero() {
		return nil
	}
	return a
}

// renewalAnswer is a CA's answer; zero where none came or it made no sense.
type renewalAnswer struct {
	Window struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"suggestedWindow"`
	ExplanationURL string    `json:"explanationURL"`
	retry          time.Time // of the Retry-After header
}

// maxURL bounds the address of an explanation, in bytes.
const maxURL = 2000

// update folds an answer into what was known (nil: nothing). The choice stays
// as long as the window does.
func (a *ARI) update(id string, answer renewalAnswer, now time.Time) *ARI {
	next := ARI{CertID: id}
	if a != nil {
		next = *a
	}
	next.NextPoll = now.Add(pollPause(answer.retry, now))
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
	return min(max(retry.Sub(now), minPoll), maxPoll)
}

// askRenewalInfo is one question. It needs no account.
func (c *Client) askRenewalInfo(ctx context.Context, to *endpoint, id string) (renewalAnswer, error) {
	var answer renewalAnswer
	base, err := c.renewalURL(ctx, to)
	if err == nil && base == "" {
		return answer, nil
	}
	if err == nil {
		var header http.Header
		header, err = c.get(ctx, to, strings.TrimRight(base, "/")+"/"+id, aboutRenewal, &answer)
		answer.retry = retryAfter(header, time.Now())
	}
	if err != nil {
		if backoff, ok := errors.AsType[*BackoffError](err); ok {
			answer.retry = backoff.Until
		}
		return renewalAnswer{retry: answer.retry}, fmt.Errorf("asking %s about the renewal: %w", to.ca.Name, err)
	}
	return answer, nil
}

// renewalURL finds the directory's renewalInfo, once; "" where it has none.
func (c *Client) renewalURL(ctx context.Context, to *endpoint) (string, error) {
	to.asking.Lock()
	defer to.asking.Unlock()
	if to.renewal != nil {
		return *to.renewal, nil
	}
	var directory struct {
		RenewalInfo string `json:"renewalInfo"`
	}
	if _, err := c.get(ctx, to, to.ca.Directory, aboutAnything, &directory); err != nil {
		return "", fmt.Errorf("reading the directory of %s: %w", to.ca.Name, err)
	}
	to.renewal = &directory.RenewalInfo
	return directory.RenewalInfo, nil
}

// get reads one JSON object without a signature.
func (c *Client) get(ctx context.Context, to *endpoint, url string, about subject, into any) (http.Header, error) {
	if until := to.ariPausedUntil(); about == aboutRenewal && time.Now().Before(until) {
		return http.Header{}, &BackoffError{Until: until, Why: to.ca.Name + " asked for a pause"}
	}
	if !strings.HasPrefix(url, "https://") {
		return http.Header{}, fmt.Errorf("the CA names %q, which is not https", url)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return http.Header{}, err
	}
	transport := newTransport(ctx, c.cfg.UserAgent, to)
	transport.know(url, about)
	client := http.Client{Transport: transport}
	answer, err := client.Do(request)
	if err != nil {
		if problem, ok := errors.AsType[*Problem](err); ok {
			return http.Header{}, pauseOr(problem)
		}
		return http.Header{}, err
	}
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return answer.Header, err
	}
	return answer.Header, json.Unmarshal(data, into)
}
