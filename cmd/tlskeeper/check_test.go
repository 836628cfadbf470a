package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/logship/store"
)

// The agent cannot say why it does not start, or cannot ship, to who has no
// look at the journal: check does.
func TestCheckSaysWhyTheAgentDoesNotWork(t *testing.T) {
	root := t.TempDir()
	paths := config.PathsUnder(root)
	path := filepath.Join(paths.Log, "tls.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	db, err := sql.Open("sqlite3", path)
	if err == nil {
		_, err = db.Exec("PRAGMA user_version = 99")
	}
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	now := time.Now()
	agent := status.Agent{PID: 1, StartedAt: now, WrittenAt: now, Destination: "group/stream", Backlog: 60, LastError: "no AWS credentials found", LastErrorAt: now}
	if err := status.WriteAgent(status.AgentPath(paths.Log), agent); err != nil {
		t.Fatal(err)
	}
	_, out, _ := runScan(t, "--root", root, "check")
	for _, want := range []string{"fail  log database: ", "schema 99", "warn  agent: 60 lines wait to be shipped: no AWS credentials found"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := runScan(t, "--root", root, "check"); strings.Contains(out, "database") {
		t.Errorf("no database is no fault:\n%s", out)
	}
}
