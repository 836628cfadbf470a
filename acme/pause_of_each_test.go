package acme

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
)

// Each CA's pause is kept, whatever another one asked for since.
func TestPausesOfTwoCAs(t *testing.T) {
	first, second, c := twoCAs(t, func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "21600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	busy := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: damage(always(pathOrder), func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
	})})
	cfg := c.cfg
	cfg.CAs = []CA{cfg.CAs[0], {Name: "second", Directory: busy.ca.Directory, CAFile: busy.ca.RootFile}}
	var pause *BackoffError
	for try := range 8 {
		c, err := New(cfg) // another process
		if err != nil {
			t.Fatal(err)
		}
		before := first.ca.Requests() + busy.ca.Requests()
		_, err = c.Issue(testContext(t), first.request(), IssueOptions{Attended: true, Force: true})
		if !errors.As(err, &pause) {
			t.Fatalf("try %d: %v", try, err)
		}
		if asked := first.ca.Requests() + busy.ca.Requests() - before; (asked > 0) != (try < 2) {
			t.Errorf("try %d: %d requests", try, asked)
		}
	}
	if left := time.Until(pause.Until); left > 2*time.Hour || left < 119*time.Minute {
		t.Errorf("the next try is in %v: the second CA wants 2 hours, the first 6", left)
	}
	if second.ca.Requests() != 0 {
		t.Error("a CA that is not configured was asked")
	}
}

// A short pause outlives the process too: it may be ended, or killed, while it
// waits, and its timer or admin starts the next one at once.
func TestShortPauseOfAProcessThatEnded(t *testing.T) {
	for name, test := range map[string]struct {
		kind   acmetest.Kind
		status int
	}{
		"429 of an order":   {acmetest.NewOrder, http.StatusTooManyRequests},
		"429 of an account": {acmetest.NewAccount, http.StatusTooManyRequests},
		"503 of an order":   {acmetest.NewOrder, http.StatusServiceUnavailable},
		"502 of an order":   {acmetest.NewOrder, http.StatusBadGateway},
		"500 of finalize":   {acmetest.Finalize, http.StatusInternalServerError},
		"429 of a nonce":    {acmetest.NewNonce, http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, proxy := proxied(t, acmetest.Options{})
				proxy.On(test.kind, 1, acmetest.Busy(test.status, func() string { return "25" }))
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				if _, err := h.client(t).Issue(ctx, h.request(), IssueOptions{}); err == nil {
					t.Fatal("issued within the pause")
				}
				asked := h.ca.Requests()
				ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second) // the next one is ended too
				defer cancel()
				if _, err := h.client(t).Issue(ctx, h.request(), IssueOptions{Attended: true}); err == nil || h.ca.Requests() != asked {
					t.Errorf("%d requests within the pause: %v", h.ca.Requests()-asked, err)
				}
				if _, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{}); err != nil {
					t.Error(err)
				}
				if waited := time.Since(began); waited < 25*time.Second {
					t.Errorf("issued after %v", waited)
				}
			})
		})
	}
}
