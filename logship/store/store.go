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
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/hint"
	"tlskeeper/logship/accesslog"
)

// SchemaVersion is the user_version of the databases this program writes.
const SchemaVersion = 1

// applicationID marks the file as ours ("tlsk" in ASCII), as file(1) and
// SQLite's own header field have it.
const applicationID = 0x746c736b

//go:embed schema.sql
var schema string

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

	mu    sync.Mutex                     // guards everything below
	db    *sqlite3.SQLiteConn            // nil after Close
	stmts map[string]*sqlite3.SQLiteStmt // prepared, by their SQL
	dict  dictionaries
}

// VersionError is a database of a schema that this program does not know.
type VersionError struct {
	Path  string
	Found int // its user_version
	Known int // SchemaVersion
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: the database has schema %d, this program knows up to %d", e.Path, e.Found, e.Known)
}

// Open opens the database at path, or makes it, with its directory, readable by
// owner and group. A database of a newer schema is a *VersionError and is left as it is.
func Open(path string, o Options) (*Store, error) {
	clients, err := accesslog.ParseClients(o.Client)
	if err != nil {
		return nil, err
	}
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("creating the log database: %w", err)
	}
	s, err := open(path, writerDSN(path), clients, o.Log)
	if err != nil {
		return nil, err
	}
	// The -wal and -shm files stay when the last writer goes, because a reader
	// who may not create them could not open the database without them.
	if err := s.db.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_PERSIST_WAL, 1); err != nil {
		s.db.Close()
		return nil, fmt.Errorf("%s: keeping the write-ahead log: %w", path, err)
	}
	return s, nil
}

// OpenMemory makes an empty database of the same schema that lives in memory,
// for questions asked of files.
func OpenMemory(o Options) (*Store, error) {
	clients, err := accesslog.ParseClients(o.Client)
	if err != nil {
		return nil, err
	}
	return open(":memory:", ":memory:", clients, o.Log)
}

func open(path, dsn string, clients accesslog.Clients, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	conn, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, openError(path, err)
	}
	s := &Store{path: path, clients: clients, log: log, db: conn.(*sqlite3.SQLiteConn),
		stmts: map[string]*sqlite3.SQLiteStmt{}}
	s.dict.forget()
	if err := s.migrate(context.Background()); err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

// migrate makes the schema in an empty database and refuses a foreign or newer one.
func (s *Store) migrate(ctx context.Context) error {
	ready, err := checkVersion(s.db, s.path)
	if err != nil || ready {
		return err
	}
	return s.write(ctx, func() error {
		if ready, err := checkVersion(s.db, s.path); err != nil || ready {
			return err // another process was faster
		}
		_, err := s.db.Exec(fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d",
			schema, applicationID, SchemaVersion), nil)
		return err
	})
}

// checkVersion tells whether the schema is there; an empty database gives false.
func checkVersion(db *sqlite3.SQLiteConn, path string) (bool, error) {
	version, err := pragma(db, "user_version")
	if err != nil {
		return false, openError(path, err)
	}
	id, err := pragma(db, "application_id")
	if err != nil {
		return false, openError(path, err)
	}
	switch {
	case version == 0 && id == 0:
		tables, err := number(db, "SELECT count(*) FROM sqlite_schema")
		if err != nil {
			return false, openError(path, err)
		}
		if tables > 0 {
			err = fmt.Errorf("%s: a SQLite database of something else", path)
		}
		return false, err
	case id != applicationID:
		return false, fmt.Errorf("%s: a SQLite database of something else", path)
	case version > SchemaVersion:
		return false, hint.Wrap(&VersionError{path, int(version), SchemaVersion},
			"use the newer tlskeeper that wrote it, or name another database")
	}
	return true, nil
}

// createFile makes an empty file of mode 0640 where there is none. SQLite gives
// the -wal and -shm files the mode of the database.
func createFile(path string) error {
	if err := durable.MkdirBase(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(0o640)
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
