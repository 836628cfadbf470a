package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installing runs `make install` into a directory, in a copy of what it reads,
// where there is no Go.
func installing(t *testing.T, dir string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", "install", "GO=/bin/false", "DESTDIR="+filepath.Join(dir, "dest"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Root compiles nothing: not where nothing is built, and not where a source is
// newer than what is.
func TestInstallCompilesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "systemd"), os.DirFS("../../systemd")); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"../../Makefile": "Makefile", "tlskeeper.8.md": "cmd/tlskeeper/tlskeeper.8.md"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeOld(t, filepath.Join(dir, to), string(data), 0)
	}
	out, err := installing(t, dir)
	if err == nil || !strings.Contains(out, "run `make build` first") {
		t.Errorf("nothing is built: %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "dest")); err == nil {
		t.Error("something was installed all the same")
	}
	writeOld(t, filepath.Join(dir, "bin/tlskeeper"), "#!/bin/sh\n", time.Hour)
	writeOld(t, filepath.Join(dir, "bin/tlskeeper.8"), ".TH\n", time.Hour)
	if out, err := installing(t, dir); err != nil {
		t.Errorf("what is built is old: %v\n%s", err, out)
	}
	for _, path := range []string{"bin/tlskeeper", "share/man/man8/tlskeeper.8", "lib/systemd/system/tlskeeper-renew.timer"} {
		if _, err := os.Stat(filepath.Join(dir, "dest/usr", path)); err != nil {
			t.Error(err)
		}
	}
}

func writeOld(t *testing.T, path, text string, age time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}
