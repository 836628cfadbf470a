package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/mattn/go-sqlite3"
)

// How long one attempt at the write lock lasts, and how long we try: another
// writer's transactions are short, but a prune of a busy day is not.
const (
	busyAttempt = 250 * time.Millisecond
	busyLimit   = 60 * time.Second
)

// writerDSN opens for writing. In WAL mode with synchronous=NORMAL a killed
// process loses nothing; a power cut may take back the last transactions, but
// rows and position together, so the lines are read once more.
func writerDSN(path string) string {
	return fmt.Sprintf("file:%s?mode=rw&_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=%d",
		escapePath(path), busyAttempt.Milliseconds())
}

// escapePath writes path for the inside of a SQLite file: URI.
func escapePath(path string) string {
	return (&url.URL{Path: path}).EscapedPath()
}

// write runs fn in one transaction that holds the write lock from its start, and
// commits it. When anything fails, nothing of it stays.
func (s *Store) write(ctx context.Context, fn func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = s.db.Exec("COMMIT", nil)
	}
	if err != nil {
		s.dict.forget() // ids given out in this transaction exist no longer
		if !s.db.AutoCommit() {
			s.db.Exec("ROLLBACK", nil) // SQLite itself rolls back on a full disk
		}
		return fmt.Errorf("writing %s: %w", s.path, err)
	}
	return nil
}

// begin waits for the write lock, between attempts looking at ctx.
func (s *Store) begin(ctx context.Context) error {
	if s.db == nil {
		return s.closed()
	}
	deadline := time.Now().Add(busyLimit)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := s.db.Exec("BEGIN IMMEDIATE", nil)
		if err == nil {
			return nil
		}
		if !isBusy(err) || time.Now().After(deadline) {
			return fmt.Errorf("locking %s for writing: %w", s.path, err)
		}
	}
}

func (s *Store) closed() error { return fmt.Errorf("using %s: the database is closed", s.path) }

func isBusy(err error) bool {
	return isCode(err, sqlite3.ErrBusy, sqlite3.ErrLocked)
}

// stmt prepares sql once. The SQL is always a constant of this package.
func (s *Store) stmt(sql string) (*sqlite3.SQLiteStmt, error) {
	if s.db == nil {
		return nil, s.closed()
	}
	if st, ok := s.stmts[sql]; ok {
		return st, nil
	}
	st, err := s.db.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", sql, err)
	}
	s.stmts[sql] = st.(*sqlite3.SQLiteStmt)
	return s.stmts[sql], nil
}

// exec runs sql and returns the last rowid.
func (s *Store) exec(sql string, args ...driver.Value) (int64, error) {
	st, err := s.stmt(sql)
	if err != nil {
		return 0, err
	}
	result, err := st.Exec(args)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// query calls each with every row of sql's answer. Values are int64, float64,
// string, []byte or nil; the slice is used again for the next row.
func (s *Store) query(each func(row []driver.Value) error, sql string, args ...driver.Value) error {
	st, err := s.stmt(sql)
	if err != nil {
		return err
	}
	rows, err := st.Query(args)
	if err != nil {
		return err
	}
	return drain(rows, each)
}

func drain(rows driver.Rows, each func(row []driver.Value) error) error {
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// number returns the first column of sql's only row, 0 where it is NULL or missing.
func number(db *sqlite3.SQLiteConn, sql string) (int64, error) {
	rows, err := db.Query(sql, nil)
	if err != nil {
		return 0, err
	}
	var n int64
	err = drain(rows, func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	})
	return n, err
}

func pragma(db *sqlite3.SQLiteConn, name string) (int64, error) {
	return number(db, "PRAGMA "+name)
}
