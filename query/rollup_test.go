package query

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRollupsAndRowsGiveTheSameAnswer asks thousands of generated questions both
// ways, with windows whose ends lie anywhere.
func TestRollupsAndRowsGiveTheSameAnswer(t *testing.T) {
	s := testDB(t, logText(2000, 4))
	rng := rand.New(rand.NewPCG(5, 6))
	rounds := 2500
	if testing.Short() {
		rounds = 300
	}
	rolled := 0
	for range rounds {
		sql, f := generate(rng), window(rng)
		quick, err := s.Run(t.Context(), sql, Options{Filter: f})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		slow, err := s.Run(t.Context(), sql, Options{Filter: f, NoRollup: true})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if strings.HasPrefix(quick.Way, "roll-up") {
			rolled++
		}
		if diff := cmp.Diff(canonical(slow), canonical(quick)); diff != "" {
			t.Fatalf("%s\n%v to %v, vhost %q: %s\n%s", sql, f.Since, f.Until, f.VHost, quick.Way, diff)
		}
	}
	if rolled < rounds/2 {
		t.Errorf("%d of %d questions came from the roll-ups", rolled, rounds)
	}
}

// canonical is columns and rows in an order of their own: among equals SQLite
// may choose.
func canonical(r *Result) []string {
	lines := make([]string, len(r.Rows))
	for i, row := range r.Rows {
		lines[i] = fmt.Sprintf("%T%v", row[0], row)
	}
	slices.Sort(lines)
	return append([]string{strings.Join(r.Columns, "|")}, lines...)
}

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// generate makes a question; some are plain aggregates and some only nearly so.
func generate(rng *rand.Rand) string {
	columns := []string{"http", "vhost", "protocol", "cipher", "user_agent", "day", "hour", "c3", "c4", "c5", "c6", "c7", "client", "time"}
	rng.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
	var items, group []string
	for _, c := range columns[:rng.IntN(4)] {
		expr := pick(rng, c, c, c, "upper("+c+")", "substr("+c+", 1, 3)", c+" || '/'", "CASE WHEN "+c+" LIKE '%1%' THEN 'one' ELSE "+c+" END")
		items = append(items, expr+pick(rng, "", "", " AS x"+c, " y"+c))
		group = append(group, expr)
	}
	for i := range group {
		if rng.IntN(4) == 0 {
			group[i] = itoa(i + 1)
		}
	}
	if rng.IntN(20) == 0 && len(group) > 0 { // a column too much: min and max of it make it one row's
		items = append(items, "max("+columns[5]+")")
	}
	for _, c := range []string{"count(*)", "count(*) AS n", "count( * ) * 100.0 / 7", "COUNT(*)+0", "count(/* all */*)"} {
		if rng.IntN(3) == 0 || len(items) == 0 {
			items = append(items, c)
		}
	}
	sql := "SELECT " + strings.Join(items, ", ") + pick(rng, " FROM log", " from LOG ", "\nFROM log -- it\n")
	if rng.IntN(2) == 0 {
		sql += " WHERE " + condition(rng, columns)
	}
	if len(group) > 0 {
		sql += " GROUP BY " + strings.Join(group, ", ")
		if rng.IntN(4) == 0 {
			sql += " HAVING count(*) > " + itoa(rng.IntN(40))
		}
	}
	if strings.Contains(sql, "AS n") && rng.IntN(3) == 0 {
		sql += " ORDER BY n DESC, count(*)"
	}
	return sql
}

func condition(rng *rand.Rand, columns []string) string {
	one := func() string {
		switch c := columns[rng.IntN(len(columns))]; rng.IntN(6) {
		case 0:
			return c + " LIKE '%" + itoa(rng.IntN(4)) + "%'"
		case 1:
			return c + " IN ('TLSv1.2', 'HTTP/1.1', 'www1.example.org', '-', '')"
		case 2:
			return c + " >= '" + pick(rng, "2026-10-02", "2026-10-02 12", "TLSv1.2", "www2") + "'"
		case 3:
			return c + " BETWEEN '2026-10-02' AND 'www1'"
		case 4:
			return "length(" + c + ") > " + itoa(rng.IntN(20))
		default:
			return "vhost = 'none'"
		}
	}
	sql := one()
	for rng.IntN(3) == 0 {
		sql = pick(rng, "NOT (", "(") + sql + ")" + pick(rng, " AND ", " OR ") + one()
	}
	return sql
}

func window(rng *rand.Rand) Filter {
	start := time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC)
	at := func() time.Time {
		unit := pick(rng, time.Second, time.Millisecond*700, time.Minute*30, time.Hour, time.Hour*24)
		return start.Add(time.Duration(rng.Int64N(int64(6 * 24 * time.Hour)))).Truncate(unit)
	}
	var f Filter
	if rng.IntN(2) == 0 {
		f.Since = at()
	}
	if rng.IntN(2) == 0 {
		f.Until = at()
	}
	if rng.IntN(4) == 0 {
		f.VHost = pick(rng, "www1.example.org", "none", "www2.example.org' OR '1'='1")
	}
	return f
}

// TestOnlyPlainAggregatesComeFromRollups names the way of questions that are
// nearly plain, and of some that are.
func TestOnlyPlainAggregatesComeFromRollups(t *testing.T) {
	db := testDB(t, logText(200, 2))
	for sql, want := range map[string]string{
		"SELECT count(*) FROM log": "roll-up day_combo",
		"SELECT count(*) AS n, cipher FROM log GROUP BY cipher HAVING n > 1":             "roll-up day_combo",
		"SELECT cipher FROM log GROUP BY 1":                                              "roll-up day_combo",
		"SELECT substr(day, 1, 7) AS month, count(*) FROM log GROUP BY month":            "roll-up day_combo",
		"SELECT hour, count(*) FROM log GROUP BY hour":                                   "roll-up hour_combo",
		"SELECT c7, count(*) FROM log GROUP BY c7":                                       "roll-up day_combo_ua",
		"SELECT c7, hour, count(*) FROM log GROUP BY 1, 2":                               "scan: it reads user agents by the hour",
		"SELECT client, count(*) FROM log GROUP BY client":                               "scan: it reads client",
		"SELECT cipher FROM log":                                                         "scan: it asks for single rows",
		"SELECT DISTINCT cipher FROM log":                                                "scan: it uses DISTINCT",
		"SELECT cipher, vhost, count(*) FROM log GROUP BY cipher":                        "scan: vhost is not grouped by",
		"SELECT count(cipher) FROM log":                                                  "scan: it asks for single rows",
		"SELECT count(*), count(DISTINCT vhost) FROM log":                                "scan: it uses DISTINCT",
		"SELECT count(*), sum(length(cipher)) FROM log":                                  "scan: cipher is not grouped by",
		"SELECT count(*), sum(1) FROM log":                                               "scan: it uses sum()",
		"SELECT count(*), random() FROM log":                                             "scan: it uses random()",
		"SELECT count(*) FILTER (WHERE vhost = 'x') FROM log":                            "scan: it uses FILTER",
		"SELECT count(*) OVER () FROM log":                                               "scan: it uses OVER",
		"SELECT count(*) FROM log a":                                                     "scan: it reads from something else",
		"SELECT count(*) FROM log, hits":                                                 "scan: it reads from something else",
		"SELECT count(*) FROM (SELECT 1)":                                                "scan: it uses SELECT",
		"SELECT count(*) FROM request":                                                   "scan: it reads from something else",
		"SELECT count(*) FROM log WHERE cipher IN (SELECT cipher FROM combo)":            "scan: it uses SELECT",
		"SELECT count(*) FROM log UNION SELECT 1":                                        "scan: it uses UNION",
		`SELECT "tlskeeper_requests", count(*) FROM log`:                                 "scan: it has a quoted name",
		"SELECT vhost AS cipher, count(*) FROM log GROUP BY cipher":                      "scan: it gives cipher another meaning",
		"SELECT cipher, count(*) FROM log GROUP BY cipher ORDER BY vhost":                "scan: vhost is not grouped by",
		"WITH log AS (SELECT 1 AS x) SELECT count(*) FROM log":                           "scan: it is not one SELECT",
		"SELECT count(*) FROM log GROUP BY vhost COLLATE NOCASE":                         "scan: it uses COLLATE",
		"SELECT log.cipher, count(*) FROM log GROUP BY 1":                                "scan: it has a qualified name",
		"SELECT cipher, count(*) FROM log GROUP BY cipher ORDER BY max(vhost)":           "scan: vhost is not grouped by",
		"SELECT count(*) FROM log WHERE vhost = 'count(*)' AND cipher <> '; SELECT ''x'": "roll-up day_combo",
	} {
		r, err := db.Run(t.Context(), sql, Options{Explain: true})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		} else if !strings.HasPrefix(r.Way, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", sql, r.Way, want)
		}
	}
}

// TestAWindowTakesTheLargestWholeParts: days, then hours, then rows for the rest.
func TestAWindowTakesTheLargestWholeParts(t *testing.T) {
	at := func(s string) int64 {
		moment, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return moment.Unix()
	}
	got := needs{}.pieces(at("2026-10-01 21:30:00"), at("2026-10-04 02:00:01"))
	want := []piece{
		{"request", at("2026-10-01 21:30:00"), at("2026-10-01 22:00:00")},
		{"hour_combo", at("2026-10-01 22:00:00"), at("2026-10-02 00:00:00")},
		{"day_combo", at("2026-10-02 00:00:00"), at("2026-10-04 00:00:00")},
		{"hour_combo", at("2026-10-04 00:00:00"), at("2026-10-04 02:00:00")},
		{"request", at("2026-10-04 02:00:00"), at("2026-10-04 02:00:01")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
