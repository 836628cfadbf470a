package query

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/logship/store"
)

// bareDB is a database with n requests that nobody writes to: without a
// write-ahead log it is opened as immutable. write is a writer that comes.
func bareDB(t *testing.T, n int) (db *DB, write func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tls.db")
	writer := func() *store.Store {
		s, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := writer()
	fill(t, s, logText(n, 3))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return db, func() {
		s := writer()
		t.Cleanup(func() { s.Close() })
		fill(t, s, logText(n+1, 3))
	}
}

// onDone is a context that does something once, when the query looks at it: it
// has opened the database by then.
type onDone struct {
	context.Context
	do func()
}

func (c *onDone) Done() <-chan struct{} {
	if do := c.do; do != nil {
		c.do = nil
		do()
	}
	return c.Context.Done()
}

// A writer that comes while the answer is read may have changed the file under
// it: it is asked once more.
func TestWriterComesWhileAnAnswerIsHeld(t *testing.T) {
	db, write := bareDB(t, 100)
	r, err := db.ask(&onDone{t.Context(), write}, &plan{sql: "SELECT count(*) FROM log"})
	if err != nil || r.Rows[0][0] != int64(201) {
		t.Errorf("%v, %v; want what the writer left", r, err)
	}
}

// whenWritten writes to a buffer and does something at the first write.
type whenWritten struct {
	bytes.Buffer
	do func()
}

func (w *whenWritten) Write(p []byte) (int, error) {
	if do := w.do; do != nil {
		w.do = nil
		do()
	}
	return w.Buffer.Write(p)
}

// Rows that are handed out cannot be taken back: it is said that they may be wrong.
func TestWriterComesWhileAnAnswerIsExported(t *testing.T) {
	db, write := bareDB(t, 3000)
	out := &whenWritten{do: write}
	if err := db.Export(t.Context(), "SELECT * FROM log", Options{}, out, "csv"); !errors.Is(err, errChanged) {
		t.Errorf("got %v", err)
	}
	if err := db.Export(t.Context(), "SELECT * FROM log", Options{}, &bytes.Buffer{}, "csv"); err != nil {
		t.Errorf("asked again: %v", err)
	}
}
