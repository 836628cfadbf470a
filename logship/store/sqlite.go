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

// writerDSN opens for writing, with no pragma that writes: the file may not be ours.
func writerDSN(path string) string {
	return fmt.Sprintf("file:%s?mode=rw&_busy_timeout=%d", escapePath(path), busyAttempt.Milliseconds())
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
	s.ctx = ctx
	err := s.unchanged()
	if err == nil {
		err = fn()
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, "COMMIT", nil)
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

// look runs fn, which only reads.
func (s *Store) look(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = ctx
	return fn()
}

// unchanged looks whether the schema is that which was judged when the database
// was opened; if not, it is judged again. Within a write transaction it stays so.
func (s *Store) unchanged() error {
	version, err := number(s.ctx, s.db, "PRAGMA schema_version")
	if err != nil || version == s.judged {
		return err
	}
	if _, err := judge(s.ctx, s.db, s.path, current); err != nil {
		return err
	}
	s.judged = version
	return nil
}

// begin waits for the write lock, between attempts looking at ctx.
func (s *Store) begin(ctx context.Context) error {
	deadline := time.Now().Add(busyLimit)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.db == nil {
			return s.closed()
		}
		_, err := s.db.ExecContext(ctx, "BEGIN IMMEDIATE", nil)
		if err == nil {
			s.blocked.end()
			return nil
		}
		if !isBusy(err) || time.Now().After(deadline) {
			return s.notLocked(err)
		}
		s.blocked.begin(time.Now())
		s.mu.Unlock() // who only reads, such as Stats, need not wait as long
		s.mu.Lock()
	}
}

func (s *Store) notLocked(err error) error {
	if isBusy(err) {
		err = fmt.Errorf("%w by %s", err, holder(s.path+"-shm", writerLock))
	}
	return fmt.Errorf("locking %s for writing: %w", s.path, err)
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
	result, err := st.ExecContext(s.ctx, named(args))
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
	rows, err := st.QueryContext(s.ctx, named(args))
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

// named gives args the positions that the driver wants.
func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}

// selectRows calls each with every row that sql gives on db.
func selectRows(ctx context.Context, db *sqlite3.SQLiteConn, sql string, each func(row []driver.Value) error, args ...driver.Value) error {
	rows, err := db.QueryContext(ctx, sql, named(args))
	if err != nil {
		return err
	}
	return drain(rows, each)
}

// number returns the first column of sql's only row, 0 where there is no row.
func number(ctx context.Context, db *sqlite3.SQLiteConn, sql string) (n int64, err error) {
	return n, selectRows(ctx, db, sql, func(row []driver.Value) error { return read(row, &n) })
}
