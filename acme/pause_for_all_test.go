package acme

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
)

func busyAt(match func(*http.Request) bool, status int) func(http.Handler) http.Handler {
	return damage(match, func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(status)
	})
}

func named(h host, name string) Request {
	return Request{Name: name, Names: []string{name + ".example.org"}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
}

// The next certificate, and the next process, keep a pause that is about the
// CA; one that is about a certificate's names concerns only that.
func TestPauseOfTheCAIsForEverybody(t *testing.T) {
	tests := map[string]struct {
		path     string
		status   int
		everyone bool
	}{
		"503 of an order":    {pathOrder, http.StatusServiceUnavailable, true},
		"503 of an account":  {pathAccount, http.StatusServiceUnavailable, true},
		"429 of an account":  {pathAccount, http.StatusTooManyRequests, true},
		"429 of a nonce":     {pathNonce, http.StatusTooManyRequests, true},
		"429 of one's names": {pathOrder, http.StatusTooManyRequests, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: busyAt(first(test.path), test.status)})
			_, err := h.client(t).Issue(testContext(t), named(h, "a"), IssueOptions{})
			var pause *BackoffError
			if !errors.As(err, &pause) || time.Until(pause.Until) < 119*time.Minute || pause.Cause == nil {
				t.Fatalf("got %v", err)
			}
			before := h.ca.Requests()
			_, err = h.client(t).Issue(testContext(t), named(h, "b"), IssueOptions{Force: true, Attended: true})
			if test.everyone && (!errors.As(err, &pause) || h.ca.Requests() != before) {
				t.Errorf("another certificate in another process: %v", err)
			}
			if !test.everyone && err != nil {
				t.Errorf("another certificate: %v", err)
			}
		})
	}
}

// Two certificates in a row that the CA has no room for: it is the account.
func TestLimitOfTheAccount(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: busyAt(always(pathOrder), http.StatusTooManyRequests)})
	c := h.client(t)
	for _, name := range []string{"a", "b"} {
		if _, err := c.Issue(testContext(t), named(h, name), IssueOptions{}); err == nil {
			t.Fatal("no error")
		}
	}
	before := h.ca.Requests()
	if _, err := c.Issue(testContext(t), named(h, "c"), IssueOptions{}); err == nil || h.ca.Requests() != before {
		t.Errorf("a third was asked for: %v", err)
	}
}

func TestRenewalInformationBusy(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: busyAt(always("/draft-ietf-acme-ari"), status)})
		c := h.client(t)
		var last store.Generation
		for _, name := range []string{"a", "b"} {
			g, err := c.Issue(testContext(t), named(h, name), IssueOptions{})
			if err != nil {
				t.Fatal(err)
			}
			before := h.ca.Requests()
			if _, err = c.RenewalInfo(testContext(t), g); err == nil {
				t.Error("no error")
			}
			if name == "b" && h.ca.Requests() != before {
				t.Errorf("%d: asked within the pause", status)
			}
			if state, _ := c.store.State(name); state.ARI == nil || time.Until(state.ARI.NextPoll) < 119*time.Minute {
				t.Errorf("%d: the next question of %s: %+v", status, name, state.ARI)
			}
			last = g
		}
		if _, err := c.Issue(testContext(t), named(h, "a"), IssueOptions{Force: true}); err != nil {
			t.Errorf("%d: no renewal because of it: %v", status, err)
		}
		_ = last
	}
}

func TestPauseThatCannotBeRead(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	dir := h.client(t).accountOf(h.config().CAs[0]).dir
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "pause.json"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRetryAfterWithoutSense(t *testing.T) {
	now := time.Now()
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "1.5": 0, "60": time.Minute, "0": 0, " 7 ": 7 * time.Second,
		"9999999999": store.MaxRetryAfter, "99999999999999999999999999999": store.MaxRetryAfter,
		now.Add(time.Hour).UTC().Format(http.TimeFormat):    time.Hour,
		now.Add(-time.Hour).UTC().Format(http.TimeFormat):   0,
		now.AddDate(80, 0, 0).UTC().Format(http.TimeFormat): store.MaxRetryAfter,
		now.Add(time.Hour).UTC().Format(time.RFC850):        time.Hour,
	} {
		at := retryAfter(http.Header{"Retry-After": {value}}, now)
		got := time.Duration(0)
		if !at.IsZero() {
			got = at.Sub(now)
		}
		if got < want-time.Second || got > want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
