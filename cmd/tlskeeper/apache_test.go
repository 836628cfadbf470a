package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme"
	"tlskeeper/apacheconf/apachetest"
)

// apacheHost is a running Apache, a root of ours, and a certificate in the
// store that no virtual host serves yet.
func apacheHost(t *testing.T) (*apachetest.Apache, string) {
	t.Helper()
	root := t.TempDir()
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	old, err := ca.Issue(filepath.Join(root, "old"), apachetest.Leaf{Names: []string{"a.test"}, KeyType: "rsa2048"})
	if err != nil {
		t.Fatal(err)
	}
	etc := filepath.Join(root, "etc", "tlskeeper")
	a := apachetest.Start(t, apachetest.Options{
		Global:          "SSLSessionCache shmcb:cache(512000)\n",
		IncludeOptional: []string{filepath.Join(etc, "apache", "tlskeeper.conf")},
		VHosts:          []apachetest.VHost{{Name: "a.test", CertFile: old.CertFile, KeyFile: old.KeyFile, Body: "  SSLHonorCipherOrder on\n"}}})
	gen := filepath.Join(root, "var/lib/tlskeeper/acme/certs/a.test/gen/000001")
	if _, err := ca.Issue(gen, apachetest.Leaf{Names: []string{"a.test"}}); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("[apache]\nbinary = %q\nserver_root = %q\nconfig_file = %q\ntls_log = %q\n", a.Binary, a.Dir, a.ConfigFile, filepath.Join(a.Dir, "logs", "tls.log"))
	writeFiles(t, map[string]string{filepath.Join(gen, "meta.json"): "{}", filepath.Join(etc, "config.toml"): config})
	return a, root
}

func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The order of the help text, by hand: log, plan, adopt, apply, status,
// rollback, uninstall, with the exit codes that scripts see.
func TestApacheCommands(t *testing.T) {
	a, root := apacheHost(t)
	run := func(want int, words string, contains ...string) string {
		t.Helper()
		code, out, errs := runScan(t, append([]string{"--root", root, "apache"}, strings.Fields(words)...)...)
		if code != want {
			t.Fatalf("apache %s: exit code %d, want %d\n%s%s", words, code, want, out, errs)
		}
		for _, c := range contains {
			if !strings.Contains(out+errs, c) {
				t.Errorf("apache %s: no %q in\n%s%s", words, c, out, errs)
			}
		}
		return out
	}
	sites := func() string { text, _ := os.ReadFile(a.SitesFile); return string(text) }
	before := sites()

	run(exitRefused, "apply --log-only", "+    GlobalLog", "hint: --yes")
	run(exitOK, "apply --log-only --dry-run", "+    GlobalLog")
	run(exitOK, "apply --log-only --yes", "done: files changed: 1")
	run(exitOK, "apply --log-only --yes", "nothing to do")
	run(exitOK, "plan", "+    SSLProtocol all", "not served: ", a.SitesFile+":4", `Include "`, "warning: ", "SSLHonorCipherOrder on wins", "no history")
	run(exitUsage, "adopt", "want certificate names")
	run(exitFailed, "adopt b.test", "was not issued yet", "hint: tlskeeper issue b.test")
	run(exitOK, "adopt a.test --yes", "-  SSLCertificateFile", "done: ")
	run(exitUsage, "apply --profile strongest", "unknown profile", "intermediate")
	run(exitOK, "apply --yes --profile modern", "done: ")
	var answer struct {
		Diff string
		Cost struct {
			NoHistory bool `json:"no_history"`
		}
	}
	if err := json.Unmarshal([]byte(run(exitOK, "plan --json")), &answer); err != nil || !strings.Contains(answer.Diff, "-    SSLProtocol -all +TLSv1.3") || !answer.Cost.NoHistory {
		t.Errorf("%v, %+v", err, answer)
	}
	cert, err := acme.OpenStore(filepath.Join(root, "var/lib/tlskeeper/acme")).Certificate("a.test")
	if err != nil || cert.State.Deployed != 1 {
		t.Errorf("deployed %+v, %v", cert.State, err)
	}
	run(exitOK, "status", "profile modern", "served by: a.test (")
	run(exitOK, "rollback --yes", "done: ")
	run(exitOK, "rollback --yes", "done: ")
	if sites() != before {
		t.Errorf("after the rollback:\n%s", sites())
	}
	run(exitOK, "uninstall --yes", "done: ")
	run(exitOK, "status", "installed: nothing")
}
