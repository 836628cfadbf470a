package renewal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/hint"
)

// A hook's words are for root's terminal. What everybody may read says only
// how it ended.
func TestWordsOfAHookAreNotPublished(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	hook := filepath.Join(t.TempDir(), "hook")
	script := "#!/bin/sh\ni=0; while [ $i -lt 4000 ]; do echo 'PASSWORD=secret and more and more and more and more and more' >&2; i=$((i+1)); done\necho the-end >&2\nexit 3\n"
	if err := os.WriteFile(hook, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	h.cfg.Hooks.Deploy = []string{hook}
	_, err := Run(h.ctx(), h.cfg, Options{})
	var undeployed *NotDeployedError
	if !errors.As(err, &undeployed) || len(err.Error()) > 800 || !strings.Contains(err.Error(), "the-end") {
		t.Errorf("%d bytes for the terminal: %.2000v", len(err.Error()), err)
	}
	public, err := os.ReadFile(status.StatePath(h.cfg.Dir))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(public), "secret") || strings.Contains(string(public), "the-end") || !strings.Contains(string(public), "deploy hook ended with status 3") {
		t.Errorf("published: %.3000s", public)
	}
}

// So are those of the program that writes DNS records, which knows passwords.
func TestWordsOfADNSProgramAreNotPublished(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	program := filepath.Join(t.TempDir(), "dns")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho token=secret >&2\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.cfg.Requests[0].Challenge = challenge.Way{Type: challenge.DNS01, Provider: "exec", Exec: program}
	if _, err := Run(h.ctx(), h.cfg, Options{Attended: true}); err == nil || !strings.Contains(err.Error(), "secret") {
		t.Errorf("the terminal should show it: %v", err)
	}
	if s := h.state(); strings.Contains(s.LastError, "secret") || !strings.Contains(s.LastError, "status 7") {
		t.Errorf("published: %s", s.LastError)
	}
}

// A lock that cannot be opened is not one that somebody holds.
func TestLockThatCannotBeOpened(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	if err := os.MkdirAll(filepath.Join(h.cfg.Dir, "lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(h.ctx(), h.cfg, Options{}); err == nil || strings.Contains(hint.Of(err), "other run") {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
}

// A failed issuance weighs more than what is not served.
func TestFailedAndNotDeployed(t *testing.T) {
	serve := errors.New("nobody serves it")
	h := offlineWith(t, &serve, acmetest.Options{Blocked: []string{"b.example.test"}})
	several(h, 2)
	_, err := Run(h.ctx(), h.cfg, Options{})
	var undeployed *NotDeployedError
	if err == nil || errors.As(err, &undeployed) || !strings.Contains(err.Error(), "nobody serves it") || !strings.Contains(err.Error(), "rejectedIdentifier") {
		t.Errorf("got %v", err)
	}
}
