package store

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unpacked is a database that an earlier version wrote: testdata/schema-N.db.gz
// has four lines of one file, one of them not of the format.
func unpacked(t *testing.T, version int) string {
	t.Helper()
	packed, err := os.Open(fmt.Sprintf("testdata/schema-%d.db.gz", version))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tls.db")
	if err := os.WriteFile(path, data, 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDatabasesOfEveryVersionAreTakenUp: for each schema there was, a database
// that was written with it.
func TestDatabasesOfEveryVersionAreTakenUp(t *testing.T) {
	for version := 1; version <= int(current.version()); version++ {
		path := unpacked(t, version)
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if st, err := s.Stats(t.Context()); err != nil || st.Rows != 3 || st.Unparsed != 1 {
			t.Errorf("schema %d: %+v, %v", version, st, err)
		}
		if err := appendTextErr(t, s, requests(10)); err != nil {
			t.Errorf("schema %d: %v", version, err)
		}
		if n := count(t, s, "SELECT count(*) FROM log"); n != 13 {
			t.Errorf("schema %d: %d rows in the log, want 13", version, n)
		}
		s.Close()
	}
}

// TestAMigrationIsWholeOrNot: the next version, whatever it will be.
func TestAMigrationIsWholeOrNot(t *testing.T) {
	next := newMigrator(append(append([]string{}, migrations...), "ALTER TABLE raw ADD COLUMN reason TEXT; CREATE TABLE more (a)"))
	broken := newMigrator(append(append([]string{}, migrations...), "CREATE TABLE more (a); CREATE TABLE more (a)"))
	path := unpacked(t, int(current.version()))
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	broken.seen[len(migrations)] = func() []object { return nil }
	if err := s.migrate(t.Context(), broken); err == nil {
		t.Fatal("a migration that fails was taken")
	}
	if version, err := inspect(t.Context(), s.db, path, current); err != nil || version != current.version() {
		t.Fatalf("a failed migration left version %d, %v", version, err)
	}
	for range 2 { // the second time there is nothing to do
		if err := s.migrate(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	if version, err := inspect(t.Context(), s.db, path, next); err != nil || version != next.version() {
		t.Errorf("version %d, %v", version, err)
	}
	// This program is now the older one.
	if err := appendTextErr(t, s, requests(3)); err == nil || !strings.Contains(err.Error(), "knows up to") {
		t.Errorf("it wrote on: %v", err)
	}
	if _, err := OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), "knows up to") {
		t.Errorf("it read: %v", err)
	}
}
