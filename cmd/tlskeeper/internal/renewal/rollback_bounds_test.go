package renewal

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

// An expired generation is nothing to go back to, and a refusal changes
// nothing.
func TestRollbackRefusesAnExpiredOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, shown := bubble(t, acmetest.Options{Validity: 24 * time.Hour})
		h.wake(Options{})
		time.Sleep(13 * time.Hour)
		h.wake(Options{Force: true})
		second := shown()
		time.Sleep(12 * time.Hour)
		_, err := Rollback(t.Context(), h.cfg, site)
		if err == nil || !strings.Contains(err.Error(), "valid") || !strings.Contains(hint.Of(err), "renew --force") {
			t.Errorf("got %v, hint %q", err, hint.Of(err))
		}
		if s := h.state(); s.Generation != 2 || s.Held != 0 || !shown().Equal(second) {
			t.Errorf("after the refusal: %+v", s)
		}
	})
}

// Who goes back from a certificate for other names knew the configuration: the
// next run does not bring the other names again.
func TestRollbackFromOtherNamesHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := bubble(t, acmetest.Options{Validity: 90 * simDay})
		h.wake(Options{})
		h.cfg.Requests[0].Names = []string{site, "other.example.test"}
		if o := h.wake(Options{}).Certificates[0]; !o.Issued {
			t.Fatalf("other names: %+v", o)
		}
		h.goBack()
		time.Sleep(2 * simDay) // beyond what the guard would refuse
		if o := h.wake(Options{}).Certificates[0]; o.Issued || o.Generation != 1 || h.ca.Issued() != 2 {
			t.Errorf("%+v, %d certificates", o, h.ca.Issued())
		}
	})
}

// What Apache's configuration names stays, however old; and where nobody can
// say what it names, everything does.
func TestPruningSparesWhatApacheNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := bubble(t, acmetest.Options{})
		h.cfg.Requests[0].Keep = 1
		first := filepath.Join(h.cfg.Dir, "certs", site, "gen", "000001")
		var unreadable error
		h.cfg.Deploy.Active = func() (map[string]string, error) {
			return map[string]string{site: first}, unreadable
		}
		numbers := func() int {
			list, err := store.Open(h.cfg.Dir).Numbers(site)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		for range 3 {
			h.wake(Options{Force: true})
		}
		if _, err := os.Stat(first); err != nil || numbers() != 2 {
			t.Errorf("%d generations: %v", numbers(), err)
		}
		unreadable = errors.New("the include cannot be read")
		h.wake(Options{Force: true})
		if numbers() != 3 {
			t.Errorf("%d generations where nobody knows what is named", numbers())
		}
	})
}

// A run that is cancelled in the middle of an order has stopped a service by
// its pre hook: the post hook starts it again.
func TestPostHookOfACancelledRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	proxy := new(acmetest.Proxy)
	proxy.On(acmetest.NewOrder, -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		cancel()
		acmetest.ResetBefore(w, r, next)
	})
	h := newOffline(t, acmetest.Options{Intercept: proxy.Intercept})
	stopped, started := filepath.Join(t.TempDir(), "stopped"), filepath.Join(t.TempDir(), "started")
	h.cfg.Hooks = Hooks{Pre: []string{"/bin/touch", stopped}, Post: []string{"/bin/touch", started}}
	if _, err := Run(ctx, h.cfg, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, path := range []string{stopped, started} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// A look that found a certificate missing is no answer for the next one.
func TestFaultyLookIsNotRemembered(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	var undeployed *NotDeployedError
	if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.As(err, &undeployed) {
		t.Fatalf("nobody serves it yet: %v", err)
	}
	wait(t, func() bool { // the server is at rest, so that a look can be kept
		server, err := apacheconf.Survey(h.ctx(), h.conf)
		if err != nil {
			t.Fatal(err)
		}
		_, ok := server.Look()
		return ok
	})
	g, err := store.Open(h.cfg.Dir).Latest(site)
	if err != nil {
		t.Fatal(err)
	}
	for try := range 2 {
		why, err := h.cfg.Deploy.Served(h.ctx(), []store.Generation{g})
		if err != nil || why[site] == nil {
			t.Errorf("look %d: %v, %v", try+1, why, err)
		}
	}
	if _, ok := h.lastLook(); ok {
		t.Error("it is remembered")
	}
}
