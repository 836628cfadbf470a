package renewal

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
)

// Private CAs issue for a day or less (step-ca: 24 hours): each renewal is one
// by its own schedule, and the guard lets it through.
func TestShortLivedCertificates(t *testing.T) {
	for _, lifetime := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 48 * time.Hour, 160 * time.Hour} {
		t.Run(lifetime.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, shown := bubble(t, acmetest.Options{Validity: lifetime, Intercept: withoutRenewalInfo})
				const lives, wakes = 12, 15
				for range lives * wakes {
					h.wake(Options{})
					if time.Now().After(shown().NotAfter) {
						t.Fatalf("an expired certificate is shown, after %d", h.ca.Issued())
					}
					time.Sleep(lifetime / wakes)
				}
				if got := h.ca.Issued(); got < 2*lives-4 || got > 2*lives+2 {
					t.Errorf("%d certificates in %d lifetimes", got, lives)
				}
			})
		})
	}
}

// Somebody forced several at once: that is no reason to let the last one expire.
func TestShortLivedAfterSeveralForced(t *testing.T) {
	for _, lifetime := range []time.Duration{24 * time.Hour, 160 * time.Hour} {
		t.Run(lifetime.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, shown := bubble(t, acmetest.Options{Validity: lifetime, Intercept: withoutRenewalInfo})
				for range 5 {
					h.wake(Options{Force: true})
				}
				for range 100 {
					h.wake(Options{})
					if time.Now().After(shown().NotAfter) {
						t.Fatal("an expired certificate is shown")
					}
					time.Sleep(lifetime / 50)
				}
				if got := h.ca.Issued(); got > 5+4 {
					t.Errorf("%d certificates", got)
				}
			})
		})
	}
}

// withoutRenewalInfo is a CA without ARI. Pebble's windows are of days.
func withoutRenewalInfo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if acmetest.KindOf(r) == acmetest.RenewalInfo {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// A CA that wants each renewed at once gets few orders all the same, also of
// certificates that are short-lived.
func TestLoopOfShortLivedCertificates(t *testing.T) {
	for _, lifetime := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 48 * time.Hour, 90 * simDay} {
		t.Run(lifetime.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, shown := bubble(t, acmetest.Options{Validity: lifetime, Intercept: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if acmetest.KindOf(r) == acmetest.RenewalInfo {
							fmt.Fprint(w, `{"suggestedWindow":{"start":"1999-01-01T00:00:00Z","end":"1999-01-02T00:00:00Z"}}`)
							return
						}
						next.ServeHTTP(w, r)
					})
				}})
				refused := 0
				wakes := 300
				step := min(4*lifetime, 10*simDay) / time.Duration(wakes)
				for range wakes {
					_, err := Run(t.Context(), h.cfg, Options{})
					if _, ok := errors.AsType[*acme.GuardError](err); ok {
						refused++
					} else if err != nil {
						t.Fatal(err)
					}
					if time.Now().After(shown().NotAfter) {
						t.Fatal("an expired certificate is shown")
					}
					time.Sleep(step)
				}
				if got := h.ca.Issued(); got > 13 || refused < wakes/2 {
					t.Errorf("%d certificates, %d refused", got, refused)
				}
			})
		})
	}
}
