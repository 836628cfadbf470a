package query

import (
	"fmt"
	"math"
	"strings"
)

const (
	hourSeconds = 3600
	daySeconds  = 86400
)

// piece is a part of a window and the table that holds it whole.
type piece struct {
	table    string // day_combo, day_combo_ua, hour_combo or request
	from, to int64  // seconds, to exclusive
}

// window is the filter's time in seconds, from inclusive, to exclusive.
func (f Filter) window() (from, to int64) {
	from, to = 0, math.MaxInt64
	if !f.Since.IsZero() {
		from = ceil(f.Since.UnixNano(), 1e9)
	}
	if !f.Until.IsZero() {
		to = ceil(f.Until.UnixNano(), 1e9)
	}
	return max(from, 0), max(to, 0)
}

func ceil(n, unit int64) int64 {
	q := n / unit
	if n%unit > 0 {
		q++
	}
	return q
}

// pieces cuts a window into whole days, whole hours and the rest, which only
// the rows know, so that the answer is exact to the second.
func (n needs) pieces(from, to int64) []piece {
	switch {
	case n.agent:
		return cut(from, to, daySeconds, "day_combo_ua", rowsOnly)
	case n.hour:
		return cut(from, to, hourSeconds, "hour_combo", rowsOnly)
	}
	return cut(from, to, daySeconds, "day_combo", func(from, to int64) []piece {
		return cut(from, to, hourSeconds, "hour_combo", rowsOnly)
	})
}

func rowsOnly(from, to int64) []piece { return []piece{{"request", from, to}} }

// cut takes the whole units of the window from table and the edges from edge.
func cut(from, to, unit int64, table string, edge func(from, to int64) []piece) []piece {
	if from >= to {
		return nil
	}
	first, last := ceil(from, unit)*unit, to/unit*unit
	if to == math.MaxInt64 {
		last = to
	}
	if first >= last {
		return edge(from, to)
	}
	var p []piece
	if from < first {
		p = edge(from, first)
	}
	p = append(p, piece{table, first, last})
	if last < to {
		p = append(p, edge(last, to)...)
	}
	return p
}

// source writes the SELECT that stands for log, with its counts, and names where
// it reads. Where neither days nor user agents are asked for, the counts are
// summed by the combo's number before the words are joined in, which halves
// the time; with them there is little to sum, and sorting for it costs more.
func (n needs) source(f Filter) (sql, way string) {
	pieces := n.pieces(f.window())
	if len(pieces) == 0 { // an empty window
		pieces = []piece{{"day_combo", 0, 0}}
	}
	var parts, tables []string
	for _, p := range pieces {
		parts = append(parts, n.part(p))
		tables = append(tables, p.table)
	}
	counts := strings.Join(parts, " UNION ALL ")
	if n == (needs{}) {
		counts = "SELECT combo, sum(n) AS n FROM (" + counts + ") GROUP BY combo"
	}
	columns := "b.http AS http, b.vhost AS vhost, b.protocol AS protocol, b.cipher AS cipher, " +
		"b.http AS c3, b.vhost AS c4, b.protocol AS c5, b.cipher AS c6, t.n AS " + countColumn
	join := "CROSS JOIN combo b ON b.id = t.combo"
	if n.agent {
		columns += ", a.text AS user_agent, a.text AS c7"
		join += " CROSS JOIN agent a ON a.id = t.ua"
	}
	if n.day {
		columns += ", strftime('%Y-%m-%d', t.k, 'unixepoch') AS day"
	}
	if n.hour {
		columns += ", strftime('%Y-%m-%d %H:00', t.k, 'unixepoch') AS hour"
	}
	sql = fmt.Sprintf("SELECT %s FROM (%s) t %s", columns, counts, join)
	if f.VHost != "" {
		sql += " WHERE b.vhost = :tlskeeper_vhost"
	}
	return sql, "roll-up " + strings.Join(tables, ", ")
}

// part reads one piece as (k, combo, ua, n), k being the second at which the
// day or hour begins.
func (n needs) part(p piece) string {
	unit := int64(daySeconds)
	if n.hour {
		unit = hourSeconds
	}
	switch p.table {
	case "day_combo":
		return fmt.Sprintf("SELECT 86400 * day AS k, combo, 0 AS ua, n FROM day_combo WHERE %s", span("day", daySeconds, p))
	case "day_combo_ua":
		return fmt.Sprintf("SELECT 86400 * day AS k, combo, ua, n FROM day_combo_ua WHERE %s", span("day", daySeconds, p))
	case "hour_combo":
		return fmt.Sprintf("SELECT 3600 * hour / %d * %d AS k, combo, 0 AS ua, n FROM hour_combo WHERE %s",
			unit, unit, span("hour", hourSeconds, p))
	}
	return fmt.Sprintf("SELECT ts / %d * %d AS k, combo, ua, 1 AS n FROM request WHERE %s", unit, unit, rowSpan(p.from, p.to))
}

func span(column string, unit int64, p piece) string {
	if p.to == math.MaxInt64 {
		return fmt.Sprintf("%s >= %d", column, p.from/unit)
	}
	return fmt.Sprintf("%s >= %d AND %s < %d", column, p.from/unit, column, p.to/unit)
}

// rowSpan finds the requests of a window between the ids that its days lie between.
func rowSpan(from, to int64) string {
	where := fmt.Sprintf("ts >= %d", from)
	days := fmt.Sprintf("FROM day_rows WHERE day >= %d", from/daySeconds)
	if to != math.MaxInt64 {
		where += fmt.Sprintf(" AND ts < %d", to)
		days += fmt.Sprintf(" AND day <= %d", to/daySeconds)
	}
	return fmt.Sprintf("id BETWEEN (SELECT min(first) %s) AND (SELECT max(last) %s) AND %s", days, days, where)
}

// scanSource narrows the view log itself; without a filter there is nothing to do.
func scanSource(f Filter) string {
	var where []string
	from, to := f.window()
	if from > 0 {
		where = append(where, fmt.Sprintf("ts >= %d", from))
	}
	if to != math.MaxInt64 {
		where = append(where, fmt.Sprintf("ts < %d", to))
	}
	if f.VHost != "" {
		where = append(where, "vhost = :tlskeeper_vhost")
	}
	if len(where) == 0 {
		return ""
	}
	return "SELECT * FROM main.log WHERE " + strings.Join(where, " AND ")
}
