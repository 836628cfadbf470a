package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tlskeeper/internal/testenv"
)

// A user who owns the log directory exchanges what lies in it, while root works
// there: https://sqlite.org/c3ref/open.html says nothing of such a place.

// stranger needs no account; it is merely not root.
const stranger = 54321

// exchange is the attack: whenever somebody opens sub/a, sub (a directory) and
// alt (a link to a directory of root's) change places for a while.
func exchange() {
	if err := os.Chdir(os.Args[1]); err != nil {
		os.Exit(1)
	}
	in, err := unix.InotifyInit()
	if err != nil {
		os.Exit(2)
	}
	if _, err := unix.InotifyAddWatch(in, "sub/a", unix.IN_OPEN); err != nil {
		os.Exit(3)
	}
	buf := make([]byte, 4096)
	for {
		if _, err := unix.Read(in, buf); err != nil {
			os.Exit(4)
		}
		for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
			swap()
		}
		if info, err := os.Lstat("sub"); err == nil && info.Mode()&os.ModeSymlink != 0 {
			swap()
		}
	}
}

func swap() { unix.Renameat2(unix.AT_FDCWD, "sub", unix.AT_FDCWD, "alt", unix.RENAME_EXCHANGE) }

// host is a root directory whose log directory belongs to a stranger.
type host struct{ root, log, roots string }

func newHost(t *testing.T) host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, as which the commands are typed")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // others may pass
		t.Fatal(err)
	}
	h := host{filepath.Join(dir, "r"), filepath.Join(dir, "r/var/lib/tlskeeper/log"), filepath.Join(dir, "etc-cron.daily")}
	for _, d := range []string{h.log, h.roots} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(h.goodLog(), []byte(goodLine), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(h.log, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	return h
}

const goodLine = `[28/Nov/2026:10:00:00 +0000],192.0.2.1,HTTP/1.1,www.example.org,TLSv1.3,TLS_AES_256_GCM_SHA384,"curl/8"` + "\n"

func (h host) goodLog() string { return filepath.Join(filepath.Dir(h.root), "good.log") }

func (h host) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", append([]string{"--root", h.root}, args...)...)
	cmd.Args[0] = "tlskeeper"
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// asStranger starts a program of this binary as the owner of the log directory.
func asStranger(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = name
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// databaseCommands are all commands that root types and that touch the database.
func (h host) databaseCommands() [][]string {
	return [][]string{
		{"check"}, {"query", "ciphers"}, {"query", "SELECT count(*) FROM log", "--format", "csv"},
		{"import", h.goodLog()}, {"agent", "--once"}, {"status"}, {"apache", "plan"},
	}
}

func TestExchangedDirectoryGivesNothingOfRootsAway(t *testing.T) {
	testenv.Need(t, "apache2") // whose plan asks the history
	h := newHost(t)
	if _, stderr, code := h.run(t, "import", h.goodLog()); code != 0 {
		t.Fatal(stderr)
	}
	script := fmt.Sprintf("cd %s && mkdir sub && mv tls.db sub/a && chmod 0777 sub/a && rm -f tls.db-* && ln -s %s/sub/a tls.db && touch tls.db-wal && ln -s %s alt",
		h.log, h.log, h.roots)
	prepare := exec.Command("sh", "-c", script)
	prepare.SysProcAttr = asStranger(t, "").SysProcAttr
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	attack := asStranger(t, "exchange", h.log)
	if err := attack.Start(); err != nil {
		t.Fatal(err)
	}
	defer attack.Wait()
	defer attack.Process.Kill()
	const tries = 6
	for _, args := range h.databaseCommands() {
		end := time.Now()
		if os.Getenv("TLSKEEPER_SOAK") != "" {
			end = end.Add(time.Minute)
		}
		for i := 0; i < tries || time.Now().Before(end); i++ {
			h.run(t, args...)
			if made, _ := os.ReadDir(h.roots); len(made) > 0 {
				t.Fatalf("%v made %s in root's directory, at try %d", args, made[0].Name(), i+1)
			}
		}
	}
}

// The race need not be won to see who works: what root alone may read, the owner
// of the directory may not.
func TestRootsCommandsWorkAsTheOwnerOfTheDatabase(t *testing.T) {
	h := newHost(t)
	out, stderr, code := h.run(t, "import", h.goodLog())
	if code != 0 || !strings.Contains(out, "1 lines, 1 new") {
		t.Fatalf("import: %q, %q, %d", out, stderr, code)
	}
	db := filepath.Join(h.log, "tls.db")
	for _, path := range []string{db, db + "-wal", db + "-shm"} {
		if info, err := os.Stat(path); err != nil || info.Sys().(*syscall.Stat_t).Uid != stranger {
			t.Errorf("%s is not the owner's: %v", path, err)
		}
	}
	if out, stderr, code := h.run(t, "query", "ciphers", "--format", "csv"); code != 0 || !strings.Contains(out, "TLS_AES_256_GCM_SHA384") {
		t.Errorf("query: %q, %q, %d", out, stderr, code)
	}
	if out, _, _ := h.run(t, "check"); !strings.Contains(out, "log database: "+db) {
		t.Errorf("check: %s", out)
	}
	if err := os.Chown(db, 0, 0); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"query", "ciphers"}, {"import", h.goodLog()}, {"agent", "--once"}} {
		if out, stderr, code := h.run(t, args...); code != 1 || !strings.Contains(stderr, db) {
			t.Errorf("%v read what is root's: %q, %q, %d", args, out, stderr, code)
		}
	}
}

func TestRootHandsOverNoFileByAUsersLink(t *testing.T) {
	h := newHost(t)
	secret := filepath.Join(filepath.Dir(h.root), "shadow")
	if err := os.WriteFile(secret, []byte(goodLine+"root:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	planted := filepath.Join(h.log, "tls.log.1")
	if err := os.Symlink(secret, planted); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(planted, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := h.run(t, "import", planted, h.goodLog())
	if code != 1 || !strings.Contains(stderr, "importing "+planted) || !strings.Contains(stderr, "hint: ") {
		t.Errorf("%q, %d", stderr, code)
	}
	out, _, _ := h.run(t, "query", "SELECT count(*) FROM log", "--format", "csv")
	if !strings.HasSuffix(strings.TrimSpace(out), "\n1") {
		t.Errorf("the log holds %s, want the one good line", out)
	}
}

func TestTheOwnersWordIsForTlskeeperItself(t *testing.T) {
	h := newHost(t)
	if _, stderr, code := h.run(t, "status"); code != 0 && code != 3 {
		t.Fatalf("%d %s", code, stderr)
	}
	cmd := exec.Command("/proc/self/exe", ownerWord, "query", "ciphers")
	cmd.Args[0] = "tlskeeper"
	cmd.Stdin = strings.NewReader("{}")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "for tlskeeper itself") {
		t.Errorf("%v: %s", err, out)
	}
}
