package renewal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/testenv"
)

// A certificate for a CSR whose key is elsewhere is nothing for our server: it
// is issued, the hook gets it once, and that is all.
func TestKeyElsewhere(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	q := &h.cfg.Requests[0]
	q.Names = nil
	q.CSRFile, _ = acmetest.WriteCSR(t, "", site)
	calls := filepath.Join(t.TempDir(), "calls")
	hook := filepath.Join(t.TempDir(), "hook")
	text := "#!/bin/sh\necho \"$TLSKEEPER_FULLCHAIN:$TLSKEEPER_KEY\" >>" + calls + "\ntest ! -e " + calls + ".broken\n"
	if err := errors.Join(os.WriteFile(hook, []byte(text), 0o755), os.WriteFile(calls+".broken", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	h.cfg.Hooks.Deploy = []string{hook}
	_, err := Run(h.ctx(), h.cfg, Options{})
	var undeployed *NotDeployedError
	if !errors.As(err, &undeployed) || !strings.Contains(h.state().DeployError, "hook") {
		t.Errorf("a hook that fails: %v, %+v", err, h.state())
	}
	if err := os.Remove(calls + ".broken"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o := h.run(Options{}).Certificates[0]
		if o.Deployed || !o.Elsewhere || o.Error != "" {
			t.Errorf("%+v", o)
		}
	}
	said, _ := os.ReadFile(calls)
	if want := strings.Repeat(filepath.Join(h.cfg.Dir, "certs", site, "gen", "000001", "fullchain.pem")+":\n", 2); string(said) != want {
		t.Errorf("hook: %q", said)
	}
	s := h.state()
	found := status.State{WrittenAt: time.Now(), Certificates: []status.Certificate{s}}.Findings(time.Now().Add(12 * time.Hour))
	if !s.KeyElsewhere || !s.DeployedAt.IsZero() || s.DeployError != "" || len(found) > 0 {
		t.Errorf("published: %+v, findings %v", s, found)
	}
	h.run(Options{Force: true})
	if said, _ := os.ReadFile(calls); strings.Count(string(said), "\n") != 3 {
		t.Errorf("the hook of the next generation: %q", said)
	}
	if err := Confirm(h.ctx(), h.cfg); err != nil {
		t.Error(err)
	}
}

// What the configuration does not have and no virtual host serves is told, and
// does not make every run fail; nor does it hold up what is configured.
func TestStrayDoesNotFailTheRun(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	several(h, 2)
	stray := h.cfg.Requests[1]
	activated := 0
	h.cfg.Deploy.Activate = func(_ context.Context, generations map[string]string) error {
		if _, ok := generations[stray.Name]; ok {
			return errors.New("no virtual host has its name")
		}
		activated++
		return nil
	}
	only := Options{Only: []string{stray.Name}, Attended: true, AdHoc: true}
	var undeployed *NotDeployedError
	if _, err := Run(h.ctx(), h.cfg, only); !errors.As(err, &undeployed) {
		t.Fatalf("who asks for it is told: %v", err)
	}
	h.cfg.Requests = h.cfg.Requests[:1]
	for range 2 {
		report := h.run(Options{})
		if len(report.Certificates) != 2 || !report.Certificates[0].Deployed || activated != 1 {
			t.Fatalf("%+v, activated %d times", report.Certificates, activated)
		}
		if o := report.Certificates[1]; o.Name != stray.Name || o.Deployed || o.Reason != "not in the configuration" {
			t.Errorf("%+v", o)
		}
	}
	cert, err := store.Open(h.cfg.Dir).Certificate(stray.Name)
	if err != nil || !strings.Contains(cert.State.DeployError, "no virtual host") {
		t.Errorf("%+v, %v", cert.State, err)
	}
}
