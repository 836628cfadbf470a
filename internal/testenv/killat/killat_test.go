package killat

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const childVariable = "KILLAT_CHILD"

func TestMain(m *testing.M) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	for i := range 5 {
		os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o644) // two changes
	}
	os.Rename(filepath.Join(dir, "0"), filepath.Join(dir, "z"))
	if root, err := os.OpenRoot(dir); err == nil {
		root.Chmod("z", 0o600)
	}
	os.Exit(3)
}

func TestKilledBeforeEachChange(t *testing.T) {
	wants := []struct {
		at    int
		call  string
		files int
	}{{1, "create", 0}, {2, "write", 1}, {3, "create", 1}, {10, "write", 5}, {11, "rename", 5}, {12, "chmod", 5}}
	for _, want := range wants {
		dir, result := child(t, want.at)
		found, _ := filepath.Glob(filepath.Join(dir, "*"))
		if !result.Killed || result.Call != want.call || result.Changes != want.at-1 || len(found) != want.files {
			t.Errorf("at %d: %+v, files %q", want.at, result, found)
		}
	}
	for _, at := range []int{0, 13} {
		if _, result := child(t, at); result.Killed || result.Changes != 12 || result.Exit != 3 {
			t.Errorf("at %d: %+v", at, result)
		}
	}
}

func child(t *testing.T, at int) (string, Result) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	result, err := Run(cmd, at)
	if errors.Is(err, ErrNotPermitted) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, result
}
