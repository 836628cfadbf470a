package acme

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	lego "github.com/go-acme/lego/v4/acme"
)

const (
	// requestTimeout bounds one exchange with a CA, its answer included.
	requestTimeout = time.Minute
	// maxAnswer bounds an answer's bytes: a chain is about 6 kB, and an order
	// with 100 names about 20 kB.
	maxAnswer = 1 << 20
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

	mu    sync.Mutex
	pause map[string]time.Time // by URL: when to ask again (Retry-After of a 2xx answer)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.to.silence(t.ctx); err != nil {
		return nil, err
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
		return nil, &Problem{Status: answer.StatusCode, Detail: fmt.Sprintf("an answer of more than %d bytes", maxAnswer)}
	}
	t.note(r.URL.String(), answer)
	if answer.StatusCode >= http.StatusBadRequest {
		if body, err = t.refused(answer, body); err != nil {
			return nil, err
		}
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// refused turns an error answer into a *Problem, except a bad nonce: that one
// goes to lego as an answer, because the new nonce is in its header.
func (t *transport) refused(answer *http.Response, body []byte) ([]byte, error) {
	problem := parseProblem(answer, body)
	if problem.Type == strings.TrimPrefix(lego.BadNonceErr, problemSpace) {
		return json.Marshal(lego.ProblemDetails{Type: lego.BadNonceErr, HTTPStatus: badNonceStatus, Detail: problem.Detail})
	}
	if answer.StatusCode == http.StatusServiceUnavailable && !problem.RetryAfter.IsZero() {
		t.to.hush(problem.RetryAfter)
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
	if t.pause == nil {
		t.pause = map[string]time.Time{}
	}
	t.pause[url] = at
}

func (t *transport) pauseOf(url string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pause[url]
}

// maxRetryAfter bounds what a CA's Retry-After can mean, so that no number
// overflows and no typing error of a CA stops us for ever.
const maxRetryAfter = 7 * 24 * time.Hour

// retryAfter reads the header in its two forms (RFC 9110, section 10.2.3);
// zero where it is missing or unreadable.
func retryAfter(h http.Header, now time.Time) time.Time {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return now.Add(time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil || at.Before(now) {
		return time.Time{}
	}
	if limit := now.Add(maxRetryAfter); at.After(limit) {
		return limit
	}
	return at
}

// hush keeps every session with this CA silent until then.
func (e *endpoint) hush(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if until.After(e.notBefore) {
		e.notBefore = until
	}
}

// silence waits for the end of a pause that the CA asked for, where that is
// near, and else refuses to send.
func (e *endpoint) silence(ctx context.Context) error {
	e.mu.Lock()
	until := e.notBefore
	e.mu.Unlock()
	wait := time.Until(until)
	if wait <= 0 {
		return nil
	}
	if wait > patience {
		return &BackoffError{Until: until, Why: e.ca.Name + " asked for a pause"}
	}
	return sleep(ctx, wait)
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
