package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childRead makes the test binary count the rows of the database at this path
// through OpenReadOnly, as whoever it was started as.
const childRead = "TLSKEEPER_TEST_READ"

func readAsChild(path string) error {
	r, err := OpenReadOnly(context.Background(), path)
	if err != nil {
		return err
	}
	defer r.Close()
	rows, err := r.Conn.Query("SELECT count(*) FROM log", nil)
	if err != nil {
		return err
	}
	return drain(rows, func(row []driver.Value) error {
		fmt.Println(row[0], r.Valid())
		return nil
	})
}

// These need no account of that name; they are merely neither root nor the owner.
const (
	someUser  = 65534
	someGroup = 54321
)

// readAs asks path as an ordinary user in group and returns what it saw.
func readAs(t *testing.T, program, path string, group uint32) (string, error) {
	t.Helper()
	return runAs(t, program, group, childRead+"="+path)
}

func runAs(t *testing.T, program string, group uint32, env ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(env, "GOCOVERDIR="+filepath.Join(filepath.Dir(program), "cover")) // else a covered binary complains
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: someUser, Gid: group, Groups: []uint32{group}}}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// TestAMemberOfTheGroupMayAskAtAnyTime: while the agent runs, after it stopped,
// after it was killed with rows in the write-ahead log only, and over a bare
// copy. Somebody outside of the group may not.
func TestAMemberOfTheGroupMayAskAtAnyTime(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	dir, program := publicDir(t)
	db := filepath.Join(dir, "log", "tls.db")
	s, err := Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Dir(db), db, db + "-wal", db + "-shm"} {
		if err := os.Chown(path, 0, someGroup); err != nil {
			t.Fatal(err)
		}
	}
	see := func(when, path, want string) {
		t.Helper()
		if got, err := readAs(t, program, path, someGroup); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", when, got, err, want)
		}
	}
	text := requests(1000)
	f := newFile(text)
	appendText(t, s, f, text, true)
	see("agent runs", db, "1000 true")
	if out, err := readAs(t, program, db, someGroup+1); err == nil {
		t.Errorf("somebody outside of the group: %s", out)
	}

	copied := filepath.Join(dir, "log", "killed.db")
	for _, suffix := range []string{"", "-wal", "-shm"} { // what a kill leaves
		copyFile(t, db+suffix, copied+suffix)
	}
	see("agent was killed", copied, "1000 true")

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	see("agent stopped", db, "1000 true")
	bare := filepath.Join(dir, "log", "bare.db")
	copyFile(t, db, bare)
	see("a copy of the database alone", bare, "1000 true")

	s, err = Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lines, end := content(requests(1))
	lines[0].Offset += f.Offset
	if err := s.Append(t.Context(), f, lines, f.Offset+end, true); err != nil {
		t.Fatal(err)
	}
	see("agent runs again", db, "1001 true")
}

// publicDir is a directory that others may pass through, with a copy of the test
// binary that they may run.
func publicDir(t *testing.T) (dir, program string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "tlskeeper-store-*") // t.TempDir's parent is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program = filepath.Join(dir, "reader")
	cover := filepath.Join(dir, "cover")
	if err := os.Mkdir(cover, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cover, 0o777); err != nil { // past the umask
		t.Fatal(err)
	}
	copyFile(t, os.Args[0], program)
	for _, path := range []string{dir, program} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir, program
}

// copyFile copies with mode and group.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(to, 0, int(info.Sys().(*syscall.Stat_t).Gid)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
}

// TestAWriterThatComesToAnImmutableReaderIsNoticed: the answer is then asked for again.
func TestAWriterThatComesToAnImmutableReaderIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	r, err := OpenReadOnly(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Valid() {
		t.Error("not valid, without a writer")
	}
	if s, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text := requests(5)
	appendText(t, s, newFile(text), text, true)
	if r.Valid() {
		t.Error("valid, with a writer")
	}
}

// TestTheDatabaseIsNotForEverybody holds the modes whatever the umask is.
func TestTheDatabaseIsNotForEverybody(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "log", "tls.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got bytes.Buffer
	for _, p := range []string{filepath.Dir(path), path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%o ", info.Mode().Perm())
	}
	if want := "750 640 640 640 "; got.String() != want {
		t.Errorf("modes %s, want %s", got.String(), want)
	}
}
