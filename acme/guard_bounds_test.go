package acme

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
)

// The guard holds to the end of its period, and not longer.
func TestGuardAtTheEndOfItsPeriod(t *testing.T) {
	for name, c := range map[string]struct{ lifetime, period time.Duration }{
		"ninety days": {90 * day, store.GuardPeriod},
		"one day":     {day, day / 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := proxied(t, acmetest.Options{Validity: c.lifetime})
				g, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
				if err != nil {
					t.Fatal(err)
				}
				period := g.Issuance().Period()
				if off := (period - c.period).Abs(); off > time.Minute { // CAs take seconds off a lifetime
					t.Fatalf("the period is %v", period)
				}
				time.Sleep(time.Until(g.Meta.Issued.Add(period - time.Second)))
				_, err = h.client(t).Issue(t.Context(), h.request(), IssueOptions{Attended: true})
				if _, ok := errors.AsType[*GuardError](err); !ok {
					t.Errorf("a second before the end: %v", err)
				}
				time.Sleep(2 * time.Second)
				if err := h.client(t).MayIssue(h.request(), IssueOptions{Attended: true}); err != nil {
					t.Errorf("a second after the end: %v", err)
				}
			})
		})
	}
}
