package query

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store"
)

// A page that went bad is found only when it is read.
func TestDamageInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, logText(5000, 3))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 2; i < len(data); i++ {
		data[i] = byte(7 * i)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Run(t.Context(), "SELECT sum(length(user_agent)) FROM log", Options{})
	if err == nil || !strings.Contains(err.Error(), path+": the database is damaged") || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}
