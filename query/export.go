package query

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store"
)

// errEnough ends an answer at its limit.
var errEnough = errors.New("enough rows")

// errChanged is a database that was opened as immutable, because nobody wrote to
// it, and got a writer while rows of it were handed out already.
var errChanged = hint.Wrap(errors.New("the database changed while it was read: the answer may be wrong"), "ask again")

// Export answers sql as Run does and writes the rows to w as they come, as csv
// or json, without holding them.
func (d *DB) Export(ctx context.Context, sql string, o Options, w io.Writer, format string) error {
	return d.answer(ctx, sql, o, func(ctx context.Context, p *plan) error {
		out := bufio.NewWriter(w)
		s := newStream(out, format)
		if err := d.stream(ctx, p, s.shaped(p, o.Limit)); err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if err := s.end(); err != nil {
			return err
		}
		return out.Flush()
	})
}

func (d *DB) stream(ctx context.Context, p *plan, s *stream) error {
	if d.memory != nil {
		return each(ctx, d.memory.Conn(), p.sql, p.args, s)
	}
	r, err := store.OpenReadOnly(ctx, d.path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := fence(r.Conn); err != nil {
		return err
	}
	err = each(ctx, r.Conn, p.sql, p.args, s)
	if damaged := store.Damaged(d.path, err); damaged != nil {
		return damaged
	}
	if !r.Valid() {
		return errChanged
	}
	return err
}

// shaped gives s the columns that plan.run gives a Result, and at most limit rows.
func (s *stream) shaped(p *plan, limit int) *stream {
	width, n := 0, 0
	return &stream{
		head: func(columns []string) error {
			if p.columns != nil {
				columns = p.columns
			}
			width = len(columns)
			if slices.Equal(columns, logColumns) {
				width = shownColumns
			}
			return s.head(columns[:width])
		},
		row: func(values []any) error {
			if n++; limit > 0 && n > limit {
				return errEnough
			}
			return s.row(values[:width])
		},
	}
}
