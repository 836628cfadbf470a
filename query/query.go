// Package query answers questions about the TLS access log from the database
// that package store keeps: SQL as typed, and named reports. It never writes, and
// what it is asked cannot make it write, attach, or run for ever.
//
// It imports logship/store and logship/accesslog and, of internal, hint, table
// and term. Nothing here links an SDK of a cloud.
package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store"
)

// DefaultTimeout ends a question that runs longer.
const DefaultTimeout = 2 * time.Minute

// Options change how a question is answered, not what the answer is.
type Options struct {
	Filter
	NoRollup bool          // scan the rows even where a roll-up holds the answer
	Explain  bool          // tell how it would be answered, and do not
	Timeout  time.Duration // 0: DefaultTimeout
}

// Filter narrows the log before the question is asked.
type Filter struct {
	Since, Until time.Time // from Since on, before Until; zero: without bound
	VHost        string    // "": all
	Limit        int       // rows of the answer, 0: all
}

// Result is an answer.
type Result struct {
	Title   string // of a report
	Columns []string
	Rows    [][]any // int64, float64, string or nil
	Way     string  // where the answer came from: "roll-up ..." or "scan: why"
	Cut     int     // rows that Filter.Limit left out of a report
	More    bool    // Filter.Limit left out rows, which were not counted

	Requests int64 // of a report: all requests that the filter let through
}

// DB is a database to ask. Every question opens it anew, so that no snapshot
// keeps the agent from emptying its write-ahead log.
type DB struct {
	path      string
	memory    *store.Store
	maxTemp   int64         // bytes
	timeout   time.Duration // where a question has none of its own; 0: DefaultTimeout
	abandoned bool          // a question did not end and may still use memory
}

// Open checks that the database at path is there and of a schema that we know.
func Open(ctx context.Context, path string) (*DB, error) {
	r, err := store.OpenReadOnly(ctx, path)
	if err != nil {
		return nil, err
	}
	return &DB{path: path, maxTemp: maxTemp}, r.Close()
}

// Over asks a database in memory, which the DB now owns.
func Over(s *store.Store) (*DB, error) {
	return &DB{memory: s, maxTemp: maxTemp}, fence(s.Conn())
}

// Close releases what Over was given, but for a question that did not end.
func (d *DB) Close() error {
	if d.memory == nil || d.abandoned {
		return nil
	}
	return d.memory.Close()
}

// Run answers sql, one SELECT. Its FROM may name log, hits, and the tables of
// the store's schema.
func (d *DB) Run(ctx context.Context, sql string, o Options) (*Result, error) {
	return d.run(ctx, sql, o, keep{rows: o.Limit})
}

func (d *DB) run(ctx context.Context, sql string, o Options, k keep) (*Result, error) {
	var r *Result
	err := d.answer(ctx, sql, o, func(ctx context.Context, p *plan) (err error) {
		if o.Explain {
			r = p.explain()
			return nil
		}
		p.keep = k
		r, err = d.ask(ctx, p)
		return err
	})
	if err != nil {
		return nil, err // and r may still be written to
	}
	return r, nil
}

// answer reads and plans sql and lets do carry the plan out in time. After an
// error do may still be running.
func (d *DB) answer(ctx context.Context, sql string, o Options, do func(context.Context, *plan) error) error {
	q, err := read(sql)
	if err != nil {
		return err
	}
	timeout := cmp.Or(o.Timeout, d.timeout, DefaultTimeout)
	ctx, end := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go d.watchTemp(ctx, cancel)
	err = d.within(ctx, func() error {
		p, err := d.plan(ctx, q, o)
		if err != nil {
			return err
		}
		return do(ctx, p)
	})
	if stopped := d.stopped(ctx, timeout); err != nil && stopped != nil {
		return stopped
	}
	return q.point(err)
}

// ask runs p on a fenced connection; once more when the database, opened as
// immutable, turns out to have a writer.
func (d *DB) ask(ctx context.Context, p *plan) (*Result, error) {
	if d.memory != nil {
		return p.run(ctx, d.memory.Conn())
	}
	for attempt := 0; ; attempt++ {
		r, err := store.OpenReadOnly(ctx, d.path)
		if err != nil {
			return nil, err
		}
		if err := fence(r.Conn); err != nil {
			r.Close()
			return nil, err
		}
		result, err := p.run(ctx, r.Conn)
		valid := r.Valid()
		r.Close()
		if damaged := store.Damaged(d.path, err); damaged != nil {
			return nil, damaged
		}
		if valid || attempt > 0 {
			return result, err
		}
	}
}

// rows runs sql and holds its answer, or what of it k says.
func rows(ctx context.Context, conn *sqlite3.SQLiteConn, sql string, args []driver.NamedValue, k keep) (*Result, error) {
	h := &holder{Result: &Result{}, keep: k}
	err := each(ctx, conn, sql, args, &stream{
		head: func(columns []string) error { h.Columns = columns; return nil },
		row:  h.add,
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return h.Result, err
}

// each runs sql and hands its answer to s, without ending it.
func each(ctx context.Context, conn *sqlite3.SQLiteConn, sql string, args []driver.NamedValue, s *stream) error {
	st, err := conn.Prepare(sql)
	if err != nil {
		return sqlError(err)
	}
	defer st.Close()
	stmt := st.(*sqlite3.SQLiteStmt)
	if !stmt.Readonly() {
		return errNotSelect
	}
	found, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return sqlError(err)
	}
	defer found.Close()
	columns := append([]string{}, found.Columns()...)
	if err := s.head(columns); err != nil {
		return err
	}
	row := make([]driver.Value, len(columns))
	for {
		err := found.Next(row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return sqlError(err)
		}
		if err := s.row(plain(row)); err != nil {
			return err
		}
	}
}

// plain turns what the driver gives into what a Result holds.
func plain(row []driver.Value) []any {
	values := make([]any, len(row))
	for i, v := range row {
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		values[i] = v
	}
	return values
}

// sqlError words SQLite's errors for the person who typed the SQL.
func sqlError(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("asking the log: %w", err)
	}
	if store.Damaged("", err) != nil {
		return err // whoever knows the path says it
	}
	if e.Code == sqlite3.ErrTooBig {
		return hint.Wrap(fmt.Errorf("sql: a text or row is longer than %d KiB", maxLength>>10),
			"make or read less of it at a time; of a stored line that is longer only the other columns can be read")
	}
	text := strings.TrimPrefix(e.Error(), "SQL logic error: ")
	if e.Code == sqlite3.ErrAuth || strings.HasPrefix(text, "cannot modify ") {
		return errNotSelect
	}
	if m := mistakeOf(text); m != nil {
		return m
	}
	return fmt.Errorf("sql: %s", text)
}
