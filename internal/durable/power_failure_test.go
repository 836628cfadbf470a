package durable

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/testenv/killat"
)

const (
	opVariable  = "DURABLE_TEST_OPERATION"
	dirVariable = "DURABLE_TEST_DIR"
)

// operations are run in a process of their own, whose system calls are looked
// at.
var operations = map[string]struct {
	do   func(dir string) error
	want string
}{
	// The bytes are on the disk before the name is, and the name before we say so.
	"write":   {func(dir string) error { return WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600) }, "create write chmod fsync rename fsync"},
	"rename":  {func(dir string) error { return Rename(filepath.Join(dir, "old"), filepath.Join(dir, "new")) }, "rename fsync"},
	"move":    {func(dir string) error { return Rename(filepath.Join(dir, "old"), filepath.Join(dir, "sub", "new")) }, "rename fsync fsync"},
	"symlink": {func(dir string) error { return Symlink("target", filepath.Join(dir, "link")) }, "create unlink symlink rename fsync"},
	"remove":  {func(dir string) error { return Remove(filepath.Join(dir, "old")) }, "unlink fsync"},
	"mkdir":   {func(dir string) error { return MkdirAll(filepath.Join(dir, "a", "b"), 0o700) }, "mkdir chmod fsync mkdir chmod fsync"},
}

func TestMain(m *testing.M) {
	op := os.Getenv(opVariable)
	if op == "" {
		os.Exit(m.Run())
	}
	if err := operations[op].do(os.Getenv(dirVariable)); err != nil {
		os.Exit(3)
	}
	os.Exit(0)
}

// What a power failure leaves is decided by the order in which the kernel is
// told to write: no test can cut the power, so the order itself is held.
func TestOrderOfSystemCalls(t *testing.T) {
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(calls(t, name), " "); got != op.want {
				t.Errorf("calls: %s\nwant:  %s", got, op.want)
			}
		})
	}
}

// calls kills the operation before its first, second, ... change, each time in
// a fresh directory, and notes before which.
func calls(t *testing.T, op string) []string {
	t.Helper()
	var out []string
	for n := 1; ; n++ {
		dir := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.WriteFile(filepath.Join(dir, "old"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{opVariable + "=" + op, dirVariable + "=" + dir}
		r, err := killat.Run(cmd, n)
		switch {
		case errors.Is(err, killat.ErrNotPermitted):
			t.Skip(err)
		case err != nil:
			t.Fatal(err)
		case r.Killed:
			out = append(out, r.Call)
			continue
		case r.Exit != 0:
			t.Fatalf("status %d after %d changes", r.Exit, r.Changes)
		}
		return out
	}
}
