package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One Ctrl-C ends the question, although nobody types a line.
func TestInterruptedConfirmation(t *testing.T) {
	terminal, typist := io.Pipe()
	defer typist.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	a := &app{stdin: terminal}
	_, err := a.line(ctx)
	if err = interrupted(ctx, err); !errors.Is(err, context.Canceled) || err.Error() != "interrupted, nothing was changed" || exitCode(err) != exitInterrupted {
		t.Errorf("%v, exit code %d", err, exitCode(err))
	}
}

// Whichever step of a plan or an undoing the interrupt meets, its answer is the
// same.
func TestInterruptedBeforeTheFirstWrite(t *testing.T) {
	_, root := apacheHost(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, words := range []string{"plan", "apply --yes", "adopt a.test --yes", "uninstall --yes"} {
		var out, errs strings.Builder
		a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		code := a.run(ctx, append([]string{"tlskeeper", "--root", root, "apache"}, strings.Fields(words)...))
		if code != exitInterrupted || !strings.Contains(errs.String(), "interrupted, nothing was changed") {
			t.Errorf("%s: exit code %d\n%s", words, code, errs.String())
		}
	}
}

// A way back shows itself first; a revoked certificate is not installed, and
// one that the user went back from stays where he put it.
func TestWaysBack(t *testing.T) {
	a, root := apacheHost(t)
	run := func(want int, words string, contains ...string) {
		t.Helper()
		code, out, errs := runScan(t, append([]string{"--root", root}, strings.Fields(words)...)...)
		if code != want {
			t.Fatalf("%s: exit code %d, want %d\n%s%s", words, code, want, out, errs)
		}
		for _, c := range contains {
			if !strings.Contains(out+errs, c) {
				t.Errorf("%s: no %q in\n%s%s", words, c, out, errs)
			}
		}
	}
	state := filepath.Join(root, "var/lib/tlskeeper/acme/certs/a.test/state.json")
	served := func() string {
		text, err := os.ReadFile(filepath.Join(root, "etc/tlskeeper/apache/a.test.conf"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	run(exitFailed, "apache rollback", "no change of ours is left")
	run(exitOK, "apache adopt a.test --yes", "done: ")
	run(exitOK, "apache rollback --dry-run", "the last change: ", "tlskeeper apache adopt a.test", "+  SSLCertificateFile")
	run(exitOK, "apache uninstall --dry-run", "+  SSLCertificateFile")
	run(exitRefused, "apache rollback", "apache adopt a.test", "hint: --yes")

	gen := filepath.Join(root, "var/lib/tlskeeper/acme/certs/a.test/gen")
	if err := os.CopyFS(filepath.Join(gen, "000002"), os.DirFS(filepath.Join(gen, "000001"))); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{state: `{"deployed": 1, "held": 2}`})
	run(exitOK, "apache apply --yes", "done: ")
	if !strings.Contains(served(), "/000001/") {
		t.Errorf("the apply undid the rollback of the certificate:\n%s", served())
	}
	writeFiles(t, map[string]string{state: `{"deployed": 1, "revoked": [2]}`})
	run(exitOK, "apache apply --yes", "is revoked")
	if !strings.Contains(served(), "/000001/") {
		t.Errorf("a revoked certificate was installed:\n%s", served())
	}
	run(exitRefused, "apache adopt a.test --yes", "is revoked", "hint: tlskeeper issue a.test")
	run(exitRefused, "apache vhost a.test --document-root "+a.Dir+" --yes", "is revoked")
	run(exitOK, "apache uninstall --yes", "done: ")
}
