package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/durable"
	"tlskeeper/logship/accesslog"
)

// VersionError is a database of a schema that this program does not know.
type VersionError struct {
	Path  string
	Found int // its user_version
	Known int // the newest that this program knows
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: the database has schema %d, this program knows up to %d", e.Path, e.Found, e.Known)
}

// Open is OpenContext without an end.
func Open(path string, o Options) (*Store, error) {
	return OpenContext(context.Background(), path, o)
}

// OpenContext opens the database at path, or makes it, with its directory,
// readable by owner and group; several processes may do so at once. A file that
// is not a database of this program stays as it is, to the byte; one of a newer
// schema is a *VersionError.
func OpenContext(ctx context.Context, path string, o Options) (*Store, error) {
	clients, err := accesslog.ParseClients(o.Client)
	if err != nil {
		return nil, err
	}
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("creating the log database: %w", err)
	}
	if err := judgeFile(ctx, path); err != nil {
		return nil, err
	}
	s, err := open(ctx, path, writerDSN(path), clients, o.Log)
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
	return open(context.Background(), inMemory, inMemory, clients, o.Log)
}

func open(ctx context.Context, path, dsn string, clients accesslog.Clients, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	conn, err := connect(path, dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, clients: clients, log: log, db: conn, ctx: ctx, stmts: map[string]*sqlite3.SQLiteStmt{}}
	s.dict.forget()
	if err := s.prepare(ctx); err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

// connect opens a connection on which no schema can call a function that has
// side effects, and no damaged page is believed.
func connect(path, dsn string) (*sqlite3.SQLiteConn, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, openError(path, err)
	}
	db := conn.(*sqlite3.SQLiteConn)
	if _, err := db.Exec("PRAGMA trusted_schema = 0; PRAGMA cell_size_check = 1", nil); err != nil {
		db.Close()
		return nil, openError(path, err)
	}
	return db, nil
}

// judgeFile looks at the file at path before it is opened for writing, so that
// one of another program is not touched at all.
func judgeFile(ctx context.Context, path string) error {
	deadline := time.Now().Add(busyLimit)
	for {
		r, err := openReader(ctx, path)
		if err != nil {
			return err
		}
		_, err = inspect(ctx, r.Conn, path, current)
		final := r.final(ctx)
		r.Close()
		if err == nil || final && !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause lets another process come to its end between two attempts.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Millisecond):
		return nil
	}
}

// prepare makes the schema in an empty database, brings an older one to today's,
// refuses a foreign one, and then sets what is ours to set. Another process may be doing the same: whoever finds
// the database locked tries again.
func (s *Store) prepare(ctx context.Context) error {
	deadline := time.Now().Add(busyLimit)
	for {
		err := s.attempt(ctx)
		if err == nil || !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (s *Store) attempt(ctx context.Context) error {
	version, err := inspect(ctx, s.db, s.path, current)
	if err == nil && version < current.version() {
		err = s.migrate(ctx, current)
	}
	if err != nil {
		return err
	}
	return s.setUp(ctx)
}

// setUp turns the write-ahead log on, which stays with the file, and says how
// this connection writes: with synchronous=NORMAL a killed process loses nothing;
// a power cut may take back the last transactions, but rows and position
// together, so the lines are read once more.
func (s *Store) setUp(ctx context.Context) (err error) {
	if s.path != inMemory {
		if err := s.walMode(ctx); err != nil {
			return openError(s.path, err)
		}
	}
	if _, err := s.db.ExecContext(ctx, "PRAGMA synchronous = NORMAL", nil); err != nil {
		return openError(s.path, err)
	}
	s.judged, err = number(ctx, s.db, "PRAGMA schema_version")
	return err
}

func (s *Store) walMode(ctx context.Context) error {
	var mode string
	err := selectRows(ctx, s.db, "PRAGMA journal_mode = WAL", func(row []driver.Value) error { return read(row, &mode) })
	if err == nil && mode != "wal" {
		err = fmt.Errorf("the write-ahead log cannot be used here (journal mode %s)", mode)
	}
	return err
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
