package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A line that is nil is an empty line. It must not stop its file for good.
func TestNilLineIsAnEmptyLine(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "tls.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := File{Path: "tls.log"}
	if err := s.Append(t.Context(), &f, []Line{{Offset: 0}, {Offset: 1, Raw: []byte("x")}}, 3, true); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Unparsed != 2 || st.Pending != 1 {
		t.Errorf("%+v, %v: want both lines kept and one to be shipped", st, err)
	}
}

// Whoever comes after Close is told so, and closing twice is no harm.
func TestCallsAfterClose(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "tls.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, f := t.Context(), File{Path: "tls.log"}
	if err := s.Append(ctx, &f, []Line{{Raw: []byte("x")}}, 2, true); err != nil { // statements are prepared now
		t.Fatal(err)
	}
	if _, _, err := s.Backlog(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	_, filesErr := s.Files(ctx)
	_, pendingErr := s.Pending(ctx, 0, 1)
	_, _, backlogErr := s.Backlog(ctx)
	_, statsErr := s.Stats(ctx)
	_, pruneErr := s.Prune(ctx, time.Now())
	for call, err := range map[string]error{
		"Append": s.Append(ctx, &f, []Line{{Raw: []byte("x")}}, 2, true), "MarkShipped": s.MarkShipped(ctx, []int64{1}, nil),
		"Identify": s.Identify(ctx, &f, []byte("x")), "Files": filesErr, "Pending": pendingErr,
		"Backlog": backlogErr, "Stats": statsErr, "Prune": pruneErr,
	} {
		if err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// A directory is refused, for writing and for reading.
func TestOpenOfADirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir, Options{})
	if err == nil {
		t.Fatal("a directory was opened as a database")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Error("and it is gone")
	}
	if _, err := OpenReadOnly(t.Context(), dir); err == nil {
		t.Error("a directory was opened for reading")
	}
}
