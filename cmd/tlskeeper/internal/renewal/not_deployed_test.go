package renewal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/flock"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

func TestIssuedAdoptedRenewedRolledBack(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	before := h.served()

	_, err := Run(h.ctx(), h.cfg, Options{Attended: true})
	var undeployed *NotDeployedError
	if !errors.As(err, &undeployed) || hint.Of(err) != "tlskeeper apache adopt "+site {
		t.Fatalf("nobody serves it yet: %v (hint %q)", err, hint.Of(err))
	}
	if h.served() != before {
		t.Fatal("the site of the admin was touched")
	}
	if s := h.state(); s.Generation != 1 || !s.DeployedAt.IsZero() || s.DeployError == "" {
		t.Errorf("published: %+v", s)
	}

	h.adopt()
	report := h.run(Options{})
	if o := report.Certificates[0]; o.Action != ActionKeep || !o.Deployed || h.ca.Issued() != 1 {
		t.Errorf("after the adoption: %+v, %d issued", o, h.ca.Issued())
	}
	first := h.served()
	if s := h.state(); s.DeployedAt.IsZero() || s.DeployError != "" || s.Serial != first {
		t.Errorf("published: %+v", s)
	}

	report = h.run(Options{Force: true})
	if o := report.Certificates[0]; !o.Issued || !o.Deployed || o.Serial != h.served() || o.Serial == first {
		t.Errorf("renewed: %+v, served %s", o, h.served())
	}

	g, err := Rollback(h.ctx(), h.cfg, site)
	if err != nil || g.Number != 1 || h.served() != first {
		t.Errorf("rolled back to %d, served %s: %v", g.Number, h.served(), err)
	}
	h.run(Options{})
	if h.served() != first {
		t.Error("the next run deployed what the user had left")
	}
	h.run(Options{Force: true})
	if h.served() == first || h.state().Generation != 3 {
		t.Error("a new generation is not deployed after a rollback")
	}
}

func (h *host) state() status.Certificate {
	h.t.Helper()
	s, err := status.Read(status.StatePath(h.cfg.Dir))
	if err != nil {
		h.t.Fatal(err)
	}
	info, err := os.Stat(status.StatePath(h.cfg.Dir))
	if err != nil || info.Mode().Perm() != 0o644 || len(s.Certificates) != 1 {
		h.t.Fatalf("published: %v, %v, %+v", info, err, s)
	}
	return s.Certificates[0]
}

// offline is a host whose server is as the test says.
func offline(t *testing.T, serve *error) *host { return offlineWith(t, serve, acmetest.Options{}) }

func offlineWith(t *testing.T, serve *error, o acmetest.Options) *host {
	t.Helper()
	h := newOffline(t, o)
	h.cfg.Deploy = Deployer{
		Activate: func(context.Context, map[string]string) error { return *serve },
		Served:   func(context.Context, []store.Generation) (map[string]error, error) { return nil, nil },
		Active:   func() (map[string]string, error) { return nil, nil },
	}
	return h
}

func TestDeploymentRetriedWithoutAnOrder(t *testing.T) {
	broken := errors.New("apache was broken before")
	serve := broken
	h := offline(t, &serve)
	var undeployed *NotDeployedError
	for range 3 {
		if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.As(err, &undeployed) || !strings.Contains(err.Error(), broken.Error()) {
			t.Fatalf("got %v", err)
		}
	}
	serve = nil
	if o := h.run(Options{}).Certificates[0]; !o.Deployed || o.Issued {
		t.Errorf("%+v", o)
	}
	if got := h.ca.Issued(); got != 1 {
		t.Errorf("%d certificates for one deployment", got)
	}
}

func TestDeployHookFailsOnce(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	dir := t.TempDir()
	hook := filepath.Join(dir, "hook")
	script := "#!/bin/sh\necho \"$TLSKEEPER_CERTIFICATE $TLSKEEPER_FULLCHAIN\" >>" + dir + "/calls\ntest -e " + dir + "/fixed\n"
	if err := os.WriteFile(hook, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	h.cfg.Hooks.Deploy = []string{hook}
	var undeployed *NotDeployedError
	if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.As(err, &undeployed) {
		t.Fatalf("a failed hook: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fixed"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h.run(Options{})
	h.run(Options{})
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || strings.Count(string(calls), site+" "+h.cfg.Dir) != 2 {
		t.Errorf("calls: %q, %v", calls, err)
	}
}

func TestPreHookForbids(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	h.cfg.Hooks.Pre = []string{"/bin/false"}
	if _, err := Run(h.ctx(), h.cfg, Options{}); err == nil || !strings.Contains(err.Error(), "pre hook") {
		t.Errorf("got %v", err)
	}
	if got := h.ca.Orders(); got != 0 {
		t.Errorf("%d orders", got)
	}
}

func TestLockHeld(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	if err := os.MkdirAll(h.cfg.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := flock.Acquire(t.Context(), filepath.Join(h.cfg.Dir, "lock"), 0)
	if err != nil {
		t.Fatal(err)
	}
	var held *flock.HeldError
	if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
	if got := h.ca.Requests(); got != 0 {
		t.Errorf("the CA got %d requests", got)
	}
	lock.Release()
	h.run(Options{})
}

func TestDryRunTouchesNothing(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	if o := h.run(Options{DryRun: true}).Certificates[0]; o.Action != actionIssue {
		t.Errorf("%+v", o)
	}
	if _, err := os.Stat(h.cfg.Dir); err == nil || h.ca.Requests() != 0 {
		t.Errorf("%d requests, %v", h.ca.Requests(), err)
	}
}

func TestNamesChanged(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	h.run(Options{})
	h.cfg.Requests[0].Names = []string{site, "example.test"}
	o := h.run(Options{}).Certificates[0]
	if !o.Issued || o.Generation != 2 || !strings.Contains(o.Reason, "changed") {
		t.Errorf("%+v", o)
	}
}

func TestMassRevocationAnsweredWithinTheDay(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	h.run(Options{})
	store := store.Open(h.cfg.Dir)
	cert, err := store.Certificate(site)
	if err != nil {
		t.Fatal(err)
	}
	past := `{"suggestedWindow":{"start":"2020-01-01T00:00:00Z","end":"2020-01-02T00:00:00Z"},"explanationURL":"https://ca.example/incident"}`
	if err := h.ca.SetRenewalInfo(cert.Latest.Leaf, past); err != nil {
		t.Fatal(err)
	}
	h.forgetPoll(store)
	o := h.run(Options{}).Certificates[0]
	if !o.Issued || o.Generation != 2 {
		t.Fatalf("%+v", o)
	}
	for range 3 { // the CA's answer for the new one is ordinary: no loop
		h.run(Options{})
	}
	if got := h.ca.Issued(); got != 2 {
		t.Errorf("%d certificates", got)
	}
}

func TestCAThatAlwaysWantsARenewalNow(t *testing.T) {
	var serve error
	h := offlineWith(t, &serve, acmetest.Options{Intercept: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/renewalInfo/") {
				fmt.Fprint(w, `{"suggestedWindow":{"start":"2020-01-01T00:00:00Z","end":"2020-01-02T00:00:00Z"}}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	h.run(Options{})
	for range 3 {
		var guard *acme.GuardError
		if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.As(err, &guard) {
			t.Fatalf("got %v", err)
		}
	}
	if got := h.ca.Issued(); got != 1 {
		t.Errorf("%d certificates", got)
	}
}

// forgetPoll makes the next run ask the CA again, as hours later.
func (h *host) forgetPoll(store *store.Store) {
	h.t.Helper()
	path := filepath.Join(h.cfg.Dir, "certs", site, "state.json")
	data, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	cert, err := store.Certificate(site)
	if err != nil || cert.State.ARI == nil {
		h.t.Fatal(err, cert.State)
	}
	stamp := cert.State.ARI.NextPoll.Format(time.RFC3339Nano)
	changed := strings.Replace(string(data), stamp, time.Now().Add(-time.Hour).Format(time.RFC3339Nano), 1)
	if changed == string(data) {
		h.t.Fatalf("no %s in %s", stamp, data)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		h.t.Fatal(err)
	}
}
