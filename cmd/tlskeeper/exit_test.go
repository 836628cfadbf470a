package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/flock"
)

// Somebody else is at work: a script waits and tries again, for which it has
// to tell this from a failure.
func TestExitCodeOfALockThatIsHeld(t *testing.T) {
	root := t.TempDir()
	log := filepath.Join(root, "tls.log")
	writeFiles(t, map[string]string{log: "", filepath.Join(root, "etc/tlskeeper/config.toml"): fmt.Sprintf("[apache]\ntls_log = %q\n", log)})
	cfg, err := config.LoadOrDefault("", root)
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.MkdirBase(filepath.Dir(cfg.Agent.Database), 0o750); err != nil {
		t.Fatal(err)
	}
	lock, err := flock.Acquire(t.Context(), cfg.Agent.Database+".agent", 0)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := runScan(t, "--root", root, "agent", "--once"); code != 5 {
		t.Errorf("agent beside another one: exit code %d, want 5\n%s%s", code, out, errs)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := runScan(t, "--root", root, "agent", "--once"); code != exitOK {
		t.Errorf("agent alone: exit code %d\n%s%s", code, out, errs)
	}
}

// The server died of what everything had proved, and is back with its old
// files: nothing was done, and somebody should look.
func TestExitCodeOfAChangeThatWasUndone(t *testing.T) {
	a, root := apacheHost(t)
	real := a.Binary
	script := filepath.Join(root, "apache2")
	text := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *'-k graceful'*) %s -d %s -f %s -k stop; exit 0;; esac\nexec %s \"$@\"\n", real, a.Dir, a.ConfigFile, real)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{filepath.Join(root, "etc/tlskeeper/config.toml"): fmt.Sprintf(
		"[apache]\nbinary = %q\nserver_root = %q\nconfig_file = %q\ntls_log = %q\n", script, a.Dir, a.ConfigFile, filepath.Join(a.Dir, "logs", "tls.log"))})
	if code, out, errs := runScan(t, "--root", root, "apache", "apply", "--log-only", "--yes"); code != 7 {
		t.Errorf("exit code %d, want 7\n%s%s", code, out, errs)
	}
}

// Issued, and nobody's visitor sees it: that is neither success nor failure.
func TestExitCodeOfACertificateThatIsNotServed(t *testing.T) {
	d := newDesk(t, "www.example.test")
	if code, out, errs := runScan(t, "--root", d.root, "issue", "--agree-tos"); code != 4 {
		t.Errorf("exit code %d, want 4\n%s%s", code, out, errs)
	}
}
