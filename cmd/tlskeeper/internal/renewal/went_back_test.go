package renewal

import (
	"context"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
)

// bubble is a host in fake time, with a server that serves what it is given.
func bubble(t *testing.T, o acmetest.Options) (h *host, shown func() *x509.Certificate) {
	t.Helper()
	o.AlwaysValid = true
	ca, err := acmetest.InMemory(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ca.Close() })
	root := t.TempDir()
	h = &host{t: t, ca: ca, cfg: Config{Dir: filepath.Join(root, "acme"), Requests: []acme.Request{{
		Name: site, Names: []string{site}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root}, Keep: 5,
	}}}}
	h.cfg.Client, err = acme.New(acme.Config{Dir: h.cfg.Dir, AgreeTOS: true, Transport: ca.Transport(),
		CAs: []acme.CA{{Name: "test", Directory: ca.Directory}}})
	if err != nil {
		t.Fatal(err)
	}
	active := map[string]string{}
	var leaf *x509.Certificate
	h.cfg.Deploy = Deployer{
		Activate: func(_ context.Context, generations map[string]string) error {
			for name, dir := range generations {
				active[name] = dir
			}
			return nil
		},
		Served: func(_ context.Context, list []store.Generation) (map[string]error, error) {
			for _, g := range list {
				if active[g.Name] == g.Dir {
					leaf = g.Leaf
				}
			}
			return nil, nil
		},
		Active: func() (map[string]string, error) { return active, nil },
	}
	return h, func() *x509.Certificate { return leaf }
}

// wake is a run that succeeds.
func (h *host) wake(o Options) *Report {
	h.t.Helper()
	report, err := Run(h.t.Context(), h.cfg, o)
	if err != nil {
		h.t.Fatalf("after %d certificates: %v", h.ca.Issued(), err)
	}
	return report
}

// goBack serves the generation before.
func (h *host) goBack() store.Generation {
	h.t.Helper()
	g, err := Rollback(h.t.Context(), h.cfg, site)
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// The served certificate is what may expire, and not the newer one that the
// user has left: it is renewed at its own time, and its dates are published.
func TestServedOneIsRenewedAfterARollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, shown := bubble(t, acmetest.Options{Validity: 90 * simDay})
		h.wake(Options{})
		time.Sleep(10 * simDay)
		h.wake(Options{Force: true})
		first := h.goBack()
		s := h.state()
		if s.Generation != 1 || s.Held != 2 || s.Serial != first.Serial() || !s.NotAfter.Equal(first.Leaf.NotAfter) || s.DeployedAt.IsZero() {
			t.Errorf("published: %+v", s)
		}
		if left := s.NotAfter.Sub(s.RenewAt); left < 25*simDay || left > 40*simDay {
			t.Errorf("renewal %v before the end", left)
		}
		due := h.wake(Options{}).Certificates[0].RenewAt // the CA's window is known by now
		for time.Now().Before(first.Leaf.NotAfter.Add(simDay)) {
			o := h.wake(Options{}).Certificates[0]
			if now := time.Now(); now.After(shown().NotAfter) {
				t.Fatalf("an expired certificate is shown on %v: %+v", now, o)
			}
			if time.Now().Before(due) && (o.Generation != 1 || !o.Deployed || h.ca.Issued() != 2) {
				t.Fatalf("before its time: %+v", o)
			}
			time.Sleep(6 * time.Hour)
		}
		if s := h.state(); s.Generation != 3 || s.Held != 0 || h.ca.Issued() != 3 {
			t.Errorf("%+v, %d certificates", s, h.ca.Issued())
		}
	})
}

// Who goes back from a renewal serves a certificate whose time for renewal has
// come: the way back shall hold, but not until it expires. What the guard
// counts does not matter then.
func TestRollbackOfARenewalHoldsUntilTimeGetsShort(t *testing.T) {
	for _, lifetime := range []time.Duration{90 * simDay, 24 * time.Hour} {
		t.Run(lifetime.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { holdUntilShort(t, lifetime) })
		})
	}
}

func holdUntilShort(t *testing.T, lifetime time.Duration) {
	h, shown := bubble(t, acmetest.Options{Validity: lifetime, Intercept: withoutRenewalInfo})
	h.wake(Options{})
	time.Sleep(lifetime * 3 / 4 * 99 / 100)
	for range 3 {
		h.wake(Options{Force: true})
	}
	for range 3 {
		h.goBack()
	}
	if s := h.state(); s.Generation != 1 {
		t.Fatalf("published: %+v", s)
	}
	if o := h.wake(Options{}).Certificates[0]; o.Generation != 1 || o.Issued {
		t.Fatalf("the rollback did not hold: %+v", o)
	}
	for range 60 {
		h.wake(Options{})
		if time.Now().After(shown().NotAfter) {
			t.Fatal("an expired certificate is shown")
		}
		time.Sleep(lifetime / 200)
	}
	if s := h.state(); s.Generation != 5 || h.ca.Issued() != 5 {
		t.Errorf("%+v, %d certificates", s, h.ca.Issued())
	}
}

// A certificate that we had revoked is nothing to go back to.
func TestRollbackPassesRevokedOnesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := bubble(t, acmetest.Options{})
		for range 3 {
			h.wake(Options{Force: true})
		}
		revoke := func(number int) {
			t.Helper()
			g, err := store.Open(h.cfg.Dir).Generation(site, number)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.cfg.Client.Revoke(t.Context(), g, 1); err != nil {
				t.Fatal(err)
			}
		}
		revoke(2)
		if g := h.goBack(); g.Number != 1 {
			t.Errorf("went back to %d", g.Number)
		}
		h.wake(Options{Force: true})
		revoke(1)
		revoke(3)
		if _, err := Rollback(t.Context(), h.cfg, site); err == nil || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("nothing is left: %v", err)
		}
	})
}

// The served one is revoked after the user has gone back to it: a new one is
// ordered at once, whatever the guard counts.
func TestServedOneIsRevokedAfterARollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := bubble(t, acmetest.Options{})
		h.wake(Options{})
		h.wake(Options{Force: true})
		g := h.goBack()
		if err := h.cfg.Client.Revoke(t.Context(), g, 1); err != nil {
			t.Fatal(err)
		}
		if o := h.wake(Options{}).Certificates[0]; !o.Issued || !o.Deployed || o.Generation != 3 {
			t.Errorf("%+v", o)
		}
	})
}

// Time gets short for what is served: then the second CA is asked after the
// first failure, and the pauses are those of a certificate near its end.
func TestSecondCAForTheServedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proxy := new(acmetest.Proxy)
		const lifetime = 24 * time.Hour
		h, shown := bubble(t, acmetest.Options{Validity: lifetime, Intercept: func(next http.Handler) http.Handler {
			return proxy.Intercept(withoutRenewalInfo(next))
		}})
		second, err := acmetest.InMemory(acmetest.Options{Validity: lifetime, Intercept: withoutRenewalInfo})
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		const other = "https://second.example/dir"
		h.cfg.Client, err = acme.New(acme.Config{Dir: h.cfg.Dir, AgreeTOS: true, Transport: byHost{"second.example": second.Transport(), "": h.ca.Transport()},
			CAs: []acme.CA{{Name: "test", Directory: h.ca.Directory}, {Name: "second", Directory: other}}})
		if err != nil {
			t.Fatal(err)
		}
		h.wake(Options{})
		time.Sleep(lifetime * 6 / 10)
		h.wake(Options{Force: true})
		h.goBack()
		proxy.On(acmetest.NewOrder, -1, acmetest.Refuse(http.StatusForbidden, "unauthorized", "no"))
		for range 4 * 12 {
			Run(t.Context(), h.cfg, Options{})
			if time.Now().After(shown().NotAfter) {
				t.Fatal("an expired certificate is shown")
			}
			time.Sleep(15 * time.Minute)
		}
		if second.Issued() != 1 {
			t.Errorf("%d certificates of the second CA", second.Issued())
		}
	})
}

// byHost reaches several CAs; "" is for all other hosts.
type byHost map[string]http.RoundTripper

// RoundTrip implements http.RoundTripper.
func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if to := b[r.URL.Hostname()]; to != nil {
		return to.RoundTrip(r)
	}
	return b[""].RoundTrip(r)
}
