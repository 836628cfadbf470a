package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/hint"
)

// Files that are not a database, or not any more: the error names the file and
// what to do, for who writes and for who asks.
func TestFilesThatAreNoDatabase(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := filepath.Join(dir, "good.db")
	s, err := Open(good, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 { // some pages
		f := File{Path: fmt.Sprint(n)}
		f.SetFingerprint([]byte(f.Path))
		if err := s.Append(t.Context(), &f, []Line{{Raw: bytes.Repeat([]byte("x"), 500)}}, 501, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	schema := bytes.Clone(data)
	for i := 100; i < 4096; i++ { // page 1 behind the header: sqlite_schema
		schema[i] = byte(7 * i)
	}
	for path, want := range map[string][2]string{
		file("random", bytes.Repeat([]byte("no database at all\n"), 99)): {"not a SQLite database", ""},
		file("cut.db", data[:9000]):                                      {"the database is damaged", "tlskeeper import"},
		file("schema.db", schema):                                        {"the database is damaged", "tlskeeper import"},
		dir:                                                              {"is a directory", ""},
		filepath.Join(dir, "random", "x.db"):                             {"not a directory", ""},
	} {
		r, err := OpenReadOnly(t.Context(), path)
		if err == nil {
			r.Close()
		}
		w, werr := Open(path, Options{})
		if werr == nil {
			w.Close()
		}
		for who, err := range map[string]error{"reader": err, "writer": werr} {
			got := fmt.Sprint(err)
			if !strings.Contains(got, want[0]) || !strings.Contains(got, dir) || !strings.Contains(hint.Of(err), want[1]) {
				t.Errorf("%s of %s: %s (hint %q)", who, filepath.Base(path), got, hint.Of(err))
			}
			if strings.Contains(got, "stat ") {
				t.Errorf("%s: %s", who, got)
			}
		}
	}
}
