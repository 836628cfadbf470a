package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// logColumns are those of the view log, in its order.
var logColumns = []string{"time", "client", "http", "vhost", "protocol", "cipher", "user_agent",
	"day", "hour", "ts", "c1", "c2", "c3", "c4", "c5", "c6", "c7"}

// shownColumns of logColumns answer SELECT *; ts and c1 to c7 only say it again.
const shownColumns = 9

// countColumn holds, in a source made from roll-ups, how many requests a row stands for.
const countColumn = "tlskeeper_requests"

// exactFunctions give the same value for the same arguments, whatever the rows.
// Aggregates are not among them, nor min and max, which are both.
var exactFunctions = strings.Fields(`abs char coalesce concat concat_ws date datetime format glob hex ifnull iif
	instr julianday length like lower ltrim nullif octet_length printf quote replace round rtrim sign strftime
	substr substring time trim typeof unicode unixepoch upper count`)

func isColumn(name string) bool { return slices.Contains(logColumns, strings.ToLower(name)) }

func itoa(n int) string { return strconv.Itoa(n) }

// plan is how a question will be answered.
type plan struct {
	sql     string
	args    []driver.NamedValue
	columns []string // of the question as typed; nil: as SQLite names them
	way     string
	keep
}

// plan finds the way: from the roll-ups where they hold the answer, else from the rows.
func (d *DB) plan(ctx context.Context, q *question, o Options) (*plan, error) {
	args := []driver.NamedValue(nil)
	if o.VHost != "" {
		args = append(args, driver.NamedValue{Name: "tlskeeper_vhost", Ordinal: 1, Value: o.VHost})
	}
	scan := &plan{sql: q.with(scanSource(o.Filter)), args: args}
	if o.NoRollup {
		scan.way = "scan: as asked"
		return scan, nil
	}
	c, why := q.shape()
	if why != "" {
		scan.way = "scan: " + why
		return scan, nil
	}
	columns, reads, why, err := describe(ctx, q.sql)
	if err != nil {
		return nil, err
	}
	if why == "" {
		var n needs
		n, why = needed(reads)
		if why == "" {
			source, way := n.source(o.Filter)
			return &plan{sql: q.summed(c).with(source), args: args, columns: columns, way: way}, nil
		}
	}
	scan.way = "scan: " + why
	return scan, nil
}

func (p *plan) run(ctx context.Context, conn *sqlite3.SQLiteConn) (*Result, error) {
	r, err := rows(ctx, conn, p.sql, p.args, p.keep)
	if err != nil {
		return nil, err
	}
	r.Way = p.way
	if p.columns != nil {
		r.Columns = p.columns
	}
	if slices.Equal(r.Columns, logColumns) {
		r.narrow(shownColumns)
	}
	return r, nil
}

// narrow keeps the first n columns.
func (r *Result) narrow(n int) {
	r.Columns = r.Columns[:n]
	for i := range r.Rows {
		r.Rows[i] = r.Rows[i][:n]
	}
}

func (p *plan) explain() *Result {
	return &Result{Columns: []string{"way", "sql"}, Rows: [][]any{{p.way, p.sql}}, Way: p.way}
}

// describe prepares sql against an empty table log in a database of its own, so
// that SQLite itself says which columns are read, and what they are called. Against the real
// view the authorizer would see the tables under it.
func describe(ctx context.Context, sql string) (columns, reads []string, why string, err error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(":memory:")
	if err != nil {
		return nil, nil, "", fmt.Errorf("opening an empty log: %w", err)
	}
	db := conn.(*sqlite3.SQLiteConn)
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE log ("+strings.Join(logColumns, ", ")+")", nil); err != nil {
		return nil, nil, "", fmt.Errorf("making an empty log: %w", err)
	}
	if err := fence(db); err != nil {
		return nil, nil, "", err
	}
	db.RegisterAuthorizer(func(op int, arg1, arg2, arg3 string) int {
		switch op {
		case sqlite3.SQLITE_READ:
			if arg1 != "log" {
				why = "it reads " + arg1
			} else if arg2 != "" {
				reads = append(reads, strings.ToLower(arg2))
			}
		case sqlite3.SQLITE_FUNCTION:
			if !slices.Contains(exactFunctions, strings.ToLower(arg2)) {
				why = "it uses " + arg2 + "()"
			}
		}
		return authorize(op, arg1, arg2, arg3)
	})
	r, err := rows(ctx, db, sql, nil, keep{})
	if err != nil {
		return nil, nil, "", err
	}
	return r.Columns, reads, why, nil
}

// summed writes q with the sum of counts for every count(*): 0, not NULL, where
// nothing matches.
func (q *question) summed(c *clauses) *question {
	var b strings.Builder
	from := 0
	for _, i := range c.count {
		b.WriteString(q.sql[from:q.tokens[i].start])
		b.WriteString("ifnull(sum(" + countColumn + "), 0)")
		from = q.tokens[i+3].start + 1
	}
	b.WriteString(q.sql[from:])
	return &question{sql: b.String(), tokens: q.tokens}
}

// with puts source in the place of log, as a common table expression that hides
// the view of that name. An empty source leaves the view.
func (q *question) with(source string) string {
	switch {
	case source == "":
		return q.sql
	case !q.tokens[0].is("with"):
		return "WITH log AS (" + source + ") " + q.sql
	}
	after := q.tokens[0]
	if len(q.tokens) > 1 && q.tokens[1].is("recursive") {
		after = q.tokens[1]
	}
	end := after.start + len(after.text)
	return q.sql[:end] + " log AS (" + source + "), " + q.sql[end:]
}

// needs are what a source must hold beside HTTP version, vhost, protocol and cipher.
type needs struct{ agent, day, hour bool }

// needed tells which roll-up holds the columns, or that none does.
func needed(columns []string) (n needs, why string) {
	for _, c := range columns {
		switch c {
		case "http", "vhost", "protocol", "cipher", "c3", "c4", "c5", "c6":
		case "user_agent", "c7":
			n.agent = true
		case "day":
			n.day = true
		case "hour":
			n.hour = true
		default:
			return n, "it reads " + c + ", which no roll-up holds"
		}
	}
	if n.agent && n.hour {
		return n, "it reads user agents by the hour, which no roll-up holds"
	}
	return n, ""
}
