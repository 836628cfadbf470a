// Package store keeps the TLS access log in a SQLite database: every line once,
// in the same transaction as the place it was read from, and queued until it is
// shipped. The follower, the importer and the shipper write through it; package
// query reads the same file on a connection of its own.
//
// It imports logship/accesslog and nothing else of the project but internal/hint
// and internal/durable. Only this package and query know SQL.
//
// Two processes may write to one database (the agent and an import): each
// transaction is short, begins IMMEDIATE, and trusts nothing it read before it.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/logship/accesslog"
)

// applicationID marks the file as ours ("tlsk" in ASCII), as file(1) and
// SQLite's own header field have it.
const applicationID = 0x746c736b

// Options are what a Store is opened with.
type Options struct {
	// Client says what is kept of client addresses: full (or empty),
	// truncated or none. Lines are shipped from what is kept, so what is
	// dropped here is not shipped either.
	Client string
	Log    *slog.Logger // nil: nothing is said
}

// Store is an open database. Its methods may be called from several
// goroutines; they take turns on one connection.
type Store struct {
	path    string
	clients accesslog.Clients
	log     *slog.Logger

	mu  sync.Mutex          // guards everything below
	db  *sqlite3.SQLiteConn // nil after Close
	ctx context.Context     // of the statements that run just now
	// judged is the schema_version whose schema was found to be ours.
	judged int64
	stmts  map[string]*sqlite3.SQLiteStmt // prepared, by their SQL
	dict   dictionaries
	bounds

	blocked blocked
}

// Close moves the write-ahead log into the database and closes it. Whatever is
// asked of s afterwards is an error, but for a second Close.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	defer func() { s.db, s.stmts = nil, nil }()
	for _, stmt := range s.stmts {
		stmt.Close()
	}
	// A reader that is busy just now keeps the log from being emptied: no harm,
	// the next writer finds it.
	if _, err := s.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)", nil); err != nil {
		s.log.Debug("emptying the write-ahead log", "err", err)
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.path, err)
	}
	return nil
}

// Conn gives the connection to package query, which asks an OpenMemory store on
// it. The Store must not be used afterwards but for Close.
func (s *Store) Conn() *sqlite3.SQLiteConn { return s.db }
