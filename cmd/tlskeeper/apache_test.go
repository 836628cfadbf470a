package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/cmd/tlskeeper/internal/status"
)

// apacheHost is a running Apache, a root of ours, and a certificate in the
// store that no virtual host serves yet.
func apacheHost(t *testing.T) (*apachetest.Apache, string) {
	t.Helper()
	return apacheHostWith(t, "SSLSessionCache shmcb:cache(512000)\n")
}

func apacheHostWith(t *testing.T, global string) (*apachetest.Apache, string) {
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
		Global:          global,
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

// apacheShell types apache commands on a host of its own.
type apacheShell struct {
	t      *testing.T
	root   string
	sites  string // file of the virtual hosts
	before string // what was in it
}

func newApacheShell(t *testing.T) *apacheShell {
	t.Helper()
	a, root := apacheHost(t)
	s := &apacheShell{t: t, root: root, sites: a.SitesFile}
	s.before = s.read()
	return s
}

func (s *apacheShell) read() string {
	text, _ := os.ReadFile(s.sites)
	return string(text)
}

func (s *apacheShell) run(want int, words string, contains ...string) string {
	s.t.Helper()
	code, out, errs := runScan(s.t, append([]string{"--root", s.root, "apache"}, strings.Fields(words)...)...)
	if code != want {
		s.t.Fatalf("apache %s: exit code %d, want %d\n%s%s", words, code, want, out, errs)
	}
	for _, c := range contains {
		if !strings.Contains(out+errs, c) {
			s.t.Errorf("apache %s: no %q in\n%s%s", words, c, out, errs)
		}
	}
	return out
}

func (s *apacheShell) asBefore() {
	s.t.Helper()
	if s.read() != s.before {
		s.t.Errorf("after the rollback:\n%s", s.read())
	}
}

// The order of the help text, by hand: log, plan, adopt, apply, status,
// rollback, with the exit codes that scripts see.
func TestApacheCommands(t *testing.T) {
	s := newApacheShell(t)
	run := s.run
	run(exitRefused, "apply --log-only", "+    GlobalLog", "hint: --yes")
	run(exitOK, "apply --log-only --dry-run", "+    GlobalLog")
	run(exitOK, "apply --log-only --yes", "done: files changed: 1")
	run(exitOK, "apply --log-only --yes", "nothing to do")
	run(exitOK, "plan", "+    SSLProtocol all", "not served: ", s.sites+":4", `Include "`, "warning: ", "SSLHonorCipherOrder on wins", "no history")
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
	s.deployed()
	run(exitOK, "status", "profile modern", "served by: a.test (")
	run(exitOK, "rollback --yes", "done: ")
	run(exitOK, "rollback --yes", "done: ")
	s.asBefore()
}

// The cache that apply brought cannot go by a reload. That is said before a
// question whose answer could only be refused, with what to type.
func TestUndoThatNeedsARestart(t *testing.T) {
	a, root := apacheHostWith(t, "")
	s := &apacheShell{t: t, root: root, sites: a.SitesFile}
	s.before = s.read()
	s.run(exitRefused, "apply", "hint: --yes")
	s.run(exitOK, "apply --yes", "done: ")
	for _, words := range []string{"rollback", "uninstall", "rollback --yes"} {
		s.run(exitRefused, words, "removing SSLSessionCache", "hint: the same again with --allow-restart")
	}
	s.run(exitRefused, "rollback --allow-restart", "hint: --yes")
	s.run(exitOK, "rollback --allow-restart --yes", "done: ")
	s.asBefore()
	s.run(exitOK, "uninstall", "nothing to do")
}

// deployed: the store knows, and everybody may read it.
func (s *apacheShell) deployed() {
	s.t.Helper()
	dir := filepath.Join(s.root, "var/lib/tlskeeper/acme")
	cert, err := store.Open(dir).Certificate("a.test")
	if err != nil || cert.State.Deployed != 1 {
		s.t.Errorf("deployed %+v, %v", cert.State, err)
	}
	public, err := status.Read(status.StatePath(dir))
	if err != nil || len(public.Certificates) != 1 || public.Certificates[0].DeployedAt.IsZero() {
		s.t.Errorf("published %+v, %v", public, err)
	}
}

// Every certificate at once, a change by hand, and everything taken away.
func TestApacheAdoptAllAndUninstall(t *testing.T) {
	s := newApacheShell(t)
	s.run(exitUsage, "adopt --all a.test", "want certificate names, or --all")
	s.run(exitOK, "adopt --all --yes", "-  SSLCertificateFile", "done: ")
	s.run(exitOK, "adopt --all --yes", "nothing to do")
	s.run(exitOK, "rollback --yes", "done: ")
	s.asBefore()
	s.run(exitOK, "apply --log-only --yes", "done: ")
	writeFiles(s.t, map[string]string{filepath.Join(s.root, "etc/tlskeeper/apache/tlskeeper.conf"): "# by hand\n"})
	s.run(exitFindings, "status", "drift: ", "was edited by hand", "tlskeeper apache apply")
	s.run(exitOK, "apply --log-only --yes", "done: ")
	s.run(exitOK, "uninstall --yes", "done: ")
	s.asBefore()
	s.run(exitOK, "status", "installed: nothing")
}

// A plan says from the log what it would take away, from whom at most, and
// since when the log knows.
func TestApachePlanSaysTheCost(t *testing.T) {
	_, root := apacheHost(t)
	day := func(ago int) string { return time.Now().AddDate(0, 0, -ago).Format("[02/Jan/2006:15:04:05 -0700]") }
	line := func(ago int, client, protocol, cipher, agent string) string {
		return day(ago) + "," + client + ",HTTP/1.1,a.test," + protocol + "," + cipher + `,"` + agent + "\"\n"
	}
	log := filepath.Join(root, "tls.log")
	writeFiles(t, map[string]string{log: line(40, "192.0.2.9", "TLSv1", "AES128-SHA", "too old to count") +
		line(9, "192.0.2.1", "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "Browser/2") + line(8, "192.0.2.1", "TLSv1.2", "DHE-RSA-AES128-SHA", "Old\\x1b/1") +
		line(2, "192.0.2.2", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Browser/3")})
	types := func(words ...string) string {
		t.Helper()
		code, out, errs := runScan(t, append([]string{"--root", root}, words...)...)
		if code != exitOK {
			t.Fatalf("%s: exit code %d\n%s%s", words, code, out, errs)
		}
		return out
	}
	types("import", log)
	since := time.Now().AddDate(0, 0, -9).UTC().Format(time.DateOnly)
	for profile, want := range map[string]string{"intermediate": "at most 1 of the 3 TLS requests logged from " + since, "modern": "at most 2 of the 3 TLS requests"} {
		out := types("apache", "plan", "--profile", profile)
		if !strings.Contains(out, want) || !strings.Contains(out, "DHE-RSA-AES128-SHA: requests: 1, clients: 1") || !strings.Contains(out, "Old") || strings.Contains(out, "\x1b") {
			t.Errorf("%s:\n%s", profile, out)
		}
	}
}
