package acme

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/acme/store"
)

const (
	// requestTimeout bounds one exchange with a CA, its answer included.
	requestTimeout = time.Minute
	// maxAnswer bounds an answer's bytes: a chain is about 6 kB, and an order
	// with 100 names about 20 kB.
	maxAnswer = 1 << 20
	// maxHeader bounds an answer's header: CAs send about 1 kB.
	maxHeader = 64 << 10
	// maxLinks bounds the links in it that are followed: an order's certificate
	// has one alternate chain, or two.
	maxLinks = 10
	// badNonceStatus stands for 400 in the answer to a refused nonce, so that
	// lego does not start its own retries: they sleep through a cancelled
	// context and end after 20 s. Our call, which has the context, retries.
	badNonceStatus = 499
)

// transport gives lego, which knows no context, one: with it a deadline, a
// size limit, our User-Agent, and an error of one type for every refusal.
type transport struct {
	ctx   context.Context
	agent string
	to    *endpoint
	slots chan struct{} // as many requests at once as it holds

	mu       sync.Mutex
	subjects map[string]subject   // by URL
	pause    map[string]time.Time // by URL: when to ask again (Retry-After of a 2xx answer)
	refusal  error                // of a nonce, until somebody has heard of it
}

func newTransport(ctx context.Context, agent string, to *endpoint) *transport {
	return &transport{ctx: ctx, agent: agent, to: to, slots: make(chan struct{}, parallel),
		subjects: map[string]subject{}, pause: map[string]time.Time{}}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.to.awaitPause(t.ctx); err != nil {
		return nil, err
	}
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-t.ctx.Done():
		return nil, t.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(t.ctx, requestTimeout)
	defer cancel()
	r = r.Clone(ctx)
	r.Header.Set("User-Agent", t.agent)
	answer, err := t.to.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("an answer of more than %d bytes", maxAnswer) // a fault on the way: the CA may have done what was asked
	}
	boundLinks(answer.Header)
	t.note(r.URL.String(), answer)
	if answer.StatusCode >= http.StatusBadRequest {
		if body, err = t.refused(r.URL.String(), answer, body); err != nil {
			return nil, err
		}
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// linkValue is one link of a Link header (RFC 8288, section 3).
var linkValue = regexp.MustCompile(`<[^>]*>[^<]*`)

// boundLinks drops all but the first: lego fetches every alternate chain.
func boundLinks(h http.Header) {
	if links := h.Values("Link"); len(links) > 0 {
		h["Link"] = linkValue.FindAllString(strings.Join(links, ", "), maxLinks)
	}
}

// know tells what requests to this URL are about.
func (t *transport) know(url string, s subject) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subjects[url] = s
}

func (t *transport) about(url string) subject {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.subjects[url]
}

// typed returns err, or the refusal that it was before the way through lego's
// signer, which asks for nonces, made a text of it.
func (t *transport) typed(err error) error {
	_, problem := errors.AsType[*Problem](err)
	_, paused := errors.AsType[*BackoffError](err)
	if err == nil || problem || paused {
		return err
	}
	t.mu.Lock()
	refusal := t.refusal
	t.refusal = nil
	t.mu.Unlock()
	if until := t.to.pausedUntil(); refusal == nil && time.Until(until) > patience {
		return &BackoffError{Until: until, Why: t.to.ca.Name + " asked for a pause"}
	}
	if refusal != nil {
		return refusal
	}
	return err
}

// refused turns an error answer into a *Problem, except a bad nonce: that one
// goes to lego as an answer, because the new nonce is in its header.
func (t *transport) refused(url string, answer *http.Response, body []byte) ([]byte, error) {
	problem := parseProblem(answer, body)
	if problem.Type == strings.TrimPrefix(lego.BadNonceErr, problemSpace) {
		return json.Marshal(lego.ProblemDetails{Type: lego.BadNonceErr, HTTPStatus: badNonceStatus, Detail: problem.Detail})
	}
	about := t.about(url)
	t.to.noteRefusal(problem, about)
	if about == aboutNonce {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refusal = problem
	}
	return nil, problem
}

// parseProblem reads an error document; whatever else came is quoted. (HTML
// from a proxy, an empty body with a 404, another type of JSON.)
func parseProblem(answer *http.Response, body []byte) *Problem {
	var details lego.ProblemDetails
	if err := json.Unmarshal(body, &details); err != nil || details.Type == "" && details.Detail == "" {
		details = lego.ProblemDetails{Detail: strings.TrimSpace(string(body))}
	}
	details.HTTPStatus = answer.StatusCode
	problem := problemOf(&details)
	problem.RetryAfter = retryAfter(answer.Header, time.Now())
	return problem
}

// note keeps when the CA wants to be asked again about an object.
func (t *transport) note(url string, answer *http.Response) {
	at := retryAfter(answer.Header, time.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pause[url] = at
}

func (t *transport) pauseOf(url string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pause[url]
}

// retryAfter reads the header in its two forms (RFC 9110, section 10.2.3);
// zero where it is missing, unreadable or past.
func retryAfter(h http.Header, now time.Time) time.Time {
	value := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseUint(value, 10, 63)
	if err == nil || errors.Is(err, strconv.ErrRange) { // then seconds is the greatest number
		return now.Add(time.Duration(min(seconds, uint64(store.MaxRetryAfter/time.Second))) * time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil || at.Before(now) {
		return time.Time{}
	}
	if limit := now.Add(store.MaxRetryAfter); at.After(limit) {
		return limit
	}
	return at
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
