package store

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"tlskeeper/internal/hint"
)

// What a power cut may take is decided by these: with synchronous off it could
// take the database, not only its last moments.
func TestWriterSyncs(t *testing.T) {
	s := openTemp(t, Options{})
	for name, want := range map[string]int64{
		"synchronous": 1, // NORMAL: https://www.sqlite.org/pragma.html#pragma_synchronous
		"fullfsync":   0, // of macOS only
	} {
		if got, err := number(t.Context(), s.db, "PRAGMA "+name); got != want || err != nil {
			t.Errorf("%s is %d, %v; want %d", name, got, err, want)
		}
	}
	if n := count(t, s, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"); n != 1 {
		t.Error("the journal is not write-ahead")
	}
}

// The first version that we do not know is refused like any later one, for
// reading as for writing, and nothing of it is changed.
func TestNextSchemaIsRefused(t *testing.T) {
	s := openTemp(t, Options{})
	path := s.path
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA user_version = %d", current.version()+1), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, write := Open(path, Options{})
	_, read := OpenReadOnly(t.Context(), path)
	for _, err := range []error{write, read} {
		newer, ok := errors.AsType[*VersionError](err)
		if !ok || newer.Found != int(current.version())+1 || hint.Of(err) == "" {
			t.Errorf("opening it: %v", err)
		}
	}
	if after, err := os.ReadFile(path); string(after) != string(before) || err != nil {
		t.Errorf("the database was changed, %v", err)
	}
}
