package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inodes tells every file below dir by what a write would change; the locks are
// taken by each run.
func inodes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "lock") || strings.Contains(path, "/logs/") {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil {
			out[path] = fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino, info.ModTime(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An apply that has nothing to do writes nothing, nowhere; what a person did in
// the meantime is noted all the same.
func TestNothingToDoWritesNothing(t *testing.T) {
	s := newApacheShell(t)
	s.run(exitOK, "adopt a.test --yes", "done: ")
	s.run(exitOK, "apply --yes", "done: ")
	before := inodes(t, s.root)
	for _, words := range []string{"apply --yes", "adopt a.test --yes", "adopt --all --yes", "plan", "status"} {
		s.run(exitOK, words)
		after := inodes(t, s.root)
		for path := range after {
			if after[path] != before[path] {
				t.Errorf("%s wrote %s: %s, was %s", words, path, after[path], before[path])
			}
		}
	}
	store := filepath.Join(s.root, "var/lib/tlskeeper/acme/certs/a.test/state.json")
	if err := os.Remove(store); err != nil {
		t.Fatal(err)
	}
	s.run(exitOK, "apply --yes", "nothing to do")
	s.deployed()
}
