package store

import (
	"database/sql/driver"
	"strings"
)

// bulkRows are how many rows one statement inserts, largest first: half of an
// insert's cost is the way from Go to C, and 250 rows a statement halve it.
var bulkRows = [...]int{250, 32, 1}

// bulk collects rows of one table and inserts them many at a time.
type bulk struct {
	store   *Store
	sql     [len(bulkRows)]string
	columns int
	values  []driver.Value
}

// newBulk inserts into into ("table (columns)"); tail ends the statement.
func newBulk(s *Store, into string, columns int, tail string) *bulk {
	b := &bulk{store: s, columns: columns}
	tuple := "(?" + strings.Repeat(",?", columns-1) + ")"
	for i, rows := range bulkRows {
		b.sql[i] = "INSERT INTO " + into + " VALUES " + tuple + strings.Repeat(","+tuple, rows-1) + " " + tail
	}
	return b
}

// add takes one row and writes when there are enough for the longest statement.
func (b *bulk) add(row ...int64) error {
	for _, v := range row {
		b.values = append(b.values, v)
	}
	if len(b.values) < bulkRows[0]*b.columns {
		return nil
	}
	return b.flush()
}

// flush writes what is collected.
func (b *bulk) flush() error {
	rest := b.values
	for i, rows := range bulkRows {
		for n := rows * b.columns; len(rest) >= n; rest = rest[n:] {
			if _, err := b.store.exec(b.sql[i], rest[:n]...); err != nil {
				return err
			}
		}
	}
	b.values = b.values[:0]
	return nil
}
