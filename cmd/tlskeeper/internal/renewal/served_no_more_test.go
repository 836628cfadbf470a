package renewal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

// deployed is a host that serves its certificate.
func deployed(t *testing.T) *host {
	t.Helper()
	testenv.Need(t, "apache2")
	h := newHost(t)
	Run(h.ctx(), h.cfg, Options{Attended: true})
	h.adopt()
	h.run(Options{})
	if h.state().DeployedAt.IsZero() {
		t.Fatal("not served")
	}
	return h
}

// notServed runs once and expects exit status 4, in the report and in what is
// published.
func (h *host) notServed(words string) {
	h.t.Helper()
	report, err := Run(h.ctx(), h.cfg, Options{})
	var undeployed *NotDeployedError
	if !errors.As(err, &undeployed) || !strings.Contains(err.Error(), words) || hint.Of(err) == "" {
		h.t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if report.Certificates[0].Deployed {
		h.t.Errorf("the report: %+v", report.Certificates[0])
	}
	if s := h.state(); !s.DeployedAt.IsZero() || !strings.Contains(s.DeployError, words) {
		h.t.Errorf("published: %+v", s)
	}
}

func TestUninstalledWhileServed(t *testing.T) {
	h := deployed(t)
	if _, err := apacheconf.Uninstall(h.ctx(), h.conf, apacheconf.Undo{AllowRestart: true}); err != nil {
		t.Fatal(err)
	}
	if err := Confirm(h.ctx(), h.cfg); err != nil || !h.state().DeployedAt.IsZero() {
		t.Errorf("confirmed: %v, %+v", err, h.state())
	}
	for range 2 {
		h.notServed("does not serve it")
	}
	h.adopt()
	if err := Confirm(h.ctx(), h.cfg); err != nil || h.state().DeployedAt.IsZero() || h.state().DeployError != "" {
		t.Errorf("adopted again: %v, %+v", err, h.state())
	}
	h.run(Options{})
	if h.ca.Issued() != 1 {
		t.Errorf("%d certificates", h.ca.Issued())
	}
}

func TestApacheDiedWhileServing(t *testing.T) {
	h := deployed(t)
	if err := h.apache.Stop(h.ctx()); err != nil {
		t.Fatal(err)
	}
	h.notServed("Apache is not running")
	s, err := status.Read(status.StatePath(h.cfg.Dir))
	if err != nil || !strings.Contains(s.Server, "Apache is not running") {
		t.Errorf("published: %q, %v", s.Server, err)
	}
	found := s.Findings(time.Now())
	if len(found) < 2 || found[1].Subject != "apache" || found[1].Severity != status.Fail {
		t.Errorf("findings %+v", found)
	}
	if err := h.apache.Start(h.ctx()); err != nil {
		t.Fatal(err)
	}
	h.run(Options{})
	if s := h.state(); s.DeployedAt.IsZero() || s.DeployError != "" {
		t.Errorf("published: %+v", s)
	}
	if s, _ := status.Read(status.StatePath(h.cfg.Dir)); s.Server != "" {
		t.Errorf("published: %q", s.Server)
	}
}

// The generation that the include names is gone from the disk, and another is
// there: it is deployed. Where none is, only a new one helps.
func TestGenerationGone(t *testing.T) {
	h := deployed(t)
	h.run(Options{Force: true})
	gen := filepath.Join(h.cfg.Dir, "certs", site, "gen")
	if err := os.RemoveAll(filepath.Join(gen, "000002")); err != nil {
		t.Fatal(err)
	}
	first, err := store.Open(h.cfg.Dir).Latest(site)
	if err != nil || first.Number != 1 {
		t.Fatal(first.Number, err)
	}
	if o := h.run(Options{}).Certificates[0]; !o.Deployed || h.served() != first.Serial() {
		t.Errorf("%+v, served %s", o, h.served())
	}
	if err := os.RemoveAll(filepath.Join(gen, "000001")); err != nil {
		t.Fatal(err)
	}
	if o := h.run(Options{Force: true}).Certificates[0]; !o.Deployed || !o.Issued || h.served() != o.Serial {
		t.Errorf("%+v, served %s", o, h.served())
	}
}

// The hook of a generation has run: it does not run again because the server
// was away for a while.
func TestServedAgainWithoutItsHook(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	var gone error
	h.cfg.Deploy.Served = func(_ context.Context, list []store.Generation) (map[string]error, error) { return nil, gone }
	calls := filepath.Join(t.TempDir(), "calls")
	hook := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho called >>"+calls+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.cfg.Hooks.Deploy = []string{hook}
	h.run(Options{})
	since := h.state().DeployedAt
	gone = errors.New("nobody is there")
	h.notServedOffline()
	gone = nil
	h.run(Options{})
	if s := h.state(); !s.DeployedAt.After(since) || s.DeployError != "" {
		t.Errorf("published: %+v", s)
	}
	if text, _ := os.ReadFile(calls); string(text) != "called\n" {
		t.Errorf("hook: %q", text)
	}
}

func (h *host) notServedOffline() {
	h.t.Helper()
	_, err := Run(h.ctx(), h.cfg, Options{})
	var undeployed *NotDeployedError
	if !errors.As(err, &undeployed) || !h.state().DeployedAt.IsZero() {
		h.t.Errorf("got %v, %+v", err, h.state())
	}
}

// What the user went back to is deployed again, and not what they left.
func TestRolledBackAndLost(t *testing.T) {
	h := deployed(t)
	first := h.served()
	h.run(Options{Force: true})
	if _, err := Rollback(h.ctx(), h.cfg, site); err != nil {
		t.Fatal(err)
	}
	include := filepath.Join(h.conf.EtcDir, site+".conf")
	text, err := os.ReadFile(include)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(include, []byte(strings.ReplaceAll(string(text), "000001", "000002")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := h.apache.Reload(h.ctx()); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { return h.served() != first })
	h.run(Options{})
	if h.served() != first {
		t.Errorf("served %s", h.served())
	}
	if s := h.state(); s.DeployedAt.IsZero() {
		t.Errorf("published: %+v", s)
	}
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatal("it did not come true")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A kill between stop and start left no Apache: the renewal, whose challenge
// goes through it, brings it back first.
func TestRenewHealsFirst(t *testing.T) {
	h := deployed(t)
	journal := filepath.Join(h.conf.StateDir, "journal.json")
	if err := os.WriteFile(journal, []byte(`{"version":1,"started":"2026-01-01T00:00:00Z","running":true,"files":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.apache.Stop(h.ctx()); err != nil {
		t.Fatal(err)
	}
	if o := h.run(Options{Force: true}).Certificates[0]; !o.Issued || !o.Deployed || o.Serial != h.served() {
		t.Errorf("%+v", o)
	}
	if _, err := os.Stat(journal); err == nil {
		t.Error("the journal is left")
	}
}
