package acme

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
)

// pause is pause.json of a CA: it asked everybody here to be silent.
type pause struct {
	Until time.Time `json:"until"`
}

// readPause returns the end of a pause, zero where there is none. What cannot
// be read is not one: the CA says it again.
func readPause(path string) time.Time {
	data, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}
	}
	var p pause
	if json.Unmarshal(data, &p) != nil {
		return time.Time{}
	}
	return store.Credible(p.Until, store.MaxRetryAfter)
}

// setPause keeps every session with this CA silent until then, also those of the
// next processes: it is on disk before anybody waits, because who waits may be
// killed.
func (e *endpoint) setPause(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !until.After(e.notBefore) {
		return
	}
	e.notBefore = until
	data, err := json.Marshal(pause{Until: until.UTC()})
	if err == nil {
		if err = durable.MkdirAll(filepath.Dir(e.pauseFile), 0o700); err == nil {
			err = durable.WriteFile(e.pauseFile, data, 0o600)
		}
	}
	if err != nil {
		e.unsaved = fmt.Errorf("keeping the pause that %s asked for: %w", e.ca.Name, err)
	}
}

// pauseFault tells once that a pause could not be written: the next process
// would not know of it.
func (e *endpoint) pauseFault() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.unsaved
	e.unsaved = nil
	return err
}

// pausedUntil is the end of the CA's pause, zero where it asks for none.
func (e *endpoint) pausedUntil() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.notBefore
}

func (e *endpoint) ariPausedUntil() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ariPause
}

// awaitPause waits for the end of a pause that the CA asked for, where that is
// near, and else refuses to send.
func (e *endpoint) awaitPause(ctx context.Context) error {
	until := e.pausedUntil()
	wait := time.Until(until)
	if wait <= 0 {
		return nil
	}
	if wait > patience {
		return &BackoffError{Until: until, Why: e.ca.Name + " asked for a pause"}
	}
	return sleep(ctx, wait)
}

// noteRefusal draws the conclusion from a refusal with a Retry-After. 503 is about
// the CA as a whole, and so is 429 (letsencrypt.org/docs/rate-limits) except
// for a new order: there it is mostly about these names, and the next
// certificate may well be issued. A second one in a row is about the account.
// A pause that is sat out anyway is for everybody, whatever it is about.
//
// What is said about renewal information is about that alone: a CA that cannot
// answer such a question is asked for a certificate all the same.
func (e *endpoint) noteRefusal(p *Problem, about subject) {
	short := p.temporary() && time.Until(p.RetryAfter) <= patience
	switch {
	case p.RetryAfter.IsZero():
	case about == aboutRenewal:
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ariPause = p.RetryAfter
	case p.Status == http.StatusServiceUnavailable, short, p.Status == http.StatusTooManyRequests && about != aboutOrder:
		e.setPause(p.RetryAfter)
	case p.Status == http.StatusTooManyRequests:
		e.mu.Lock()
		former := e.limited
		e.limited = p.RetryAfter
		e.mu.Unlock()
		if former.After(time.Now()) {
			e.setPause(earlier(former, p.RetryAfter))
		}
	}
}

// subject is what a request is about.
type subject int

const (
	aboutAnything subject = iota
	aboutOrder            // a new one
	aboutRenewal          // renewal information
	aboutNonce
)

// ordered notes that the CA took a new order.
func (e *endpoint) ordered() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limited = time.Time{}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
