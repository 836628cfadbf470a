package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A writer may not make files beside the database, of which SQLite says "no such
// file or directory" or "attempt to write a readonly database".
func TestADirectoryThatMayNotBeWrittenIsNamed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	dir, program := publicDir(t)
	db := filepath.Join(dir, "log", "tls.db")
	s, err := Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := errors.Join(os.Chown(db, someUser, someGroup), os.Remove(db+"-wal"), os.Remove(db+"-shm"), os.Chmod(filepath.Dir(db), 0o555)); err != nil {
		t.Fatal(err)
	}
	got, err := runAs(t, program, someGroup, childDB+"="+db, childLog+"=/dev/null")
	if err == nil || !strings.Contains(got, filepath.Dir(db)+" cannot be written: permission denied") {
		t.Errorf("%q, %v", got, err)
	}
}
