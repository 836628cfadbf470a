package query

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store"
)

// logText is n lines over days, hours and words, the same for the same n.
func logText(n int, days int) string {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	zones := []*time.Location{time.FixedZone("", 7200), time.UTC, time.FixedZone("", -12600)}
	ciphers := []string{"TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA", "DES-CBC3-SHA", "-", ""}
	protocols := []string{"TLSv1.3", "TLSv1.2", "TLSv1.2", "TLSv1", "-", ""}
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for range n {
		i := min(rng.IntN(6), rng.IntN(6))
		at := start.Add(time.Duration(rng.IntN(days*86400)) * time.Second).In(zones[rng.IntN(3)])
		fmt.Fprintf(&b, "%s,192.0.2.%d,HTTP/%d.%d,www%d.example.org,%s,%s,\"agent %d, \\\"x\\\"\"\n",
			at.Format("[02/Jan/2006:15:04:05 -0700]"), rng.IntN(40), 1+rng.IntN(2), rng.IntN(2), rng.IntN(4), protocols[i], ciphers[i], rng.IntN(9))
	}
	return b.String()
}

// fill appends text to the store as one file.
func fill(t testing.TB, s *store.Store, text string) {
	t.Helper()
	var lines []store.Line
	at := int64(0)
	for l := range strings.Lines(text) {
		lines = append(lines, store.Line{Offset: at, Raw: []byte(strings.TrimSuffix(l, "\n"))})
		at += int64(len(l))
	}
	f := &store.File{Path: "tls.log"}
	f.SetFingerprint([]byte(text))
	if err := s.Append(t.Context(), f, lines, at, false); err != nil {
		t.Fatal(err)
	}
}

// testDB is a database on disk with text in it.
func testDB(t testing.TB, text string) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tls.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	fill(t, s, text)
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func run(t testing.TB, db *DB, sql string, o Options) *Result {
	t.Helper()
	r, err := db.Run(t.Context(), sql, o)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return r
}

// TestTheQuestionOf2016 asks the database what was asked of files then.
func TestTheQuestionOf2016(t *testing.T) {
	text := logText(500, 3)
	r := run(t, testDB(t, text), "SELECT c6, count(*) FROM log GROUP BY c6 ORDER BY count(*) DESC;", Options{})
	if r.Way != "roll-up day_combo" {
		t.Errorf("answered by %s", r.Way)
	}
	want := map[any]int64{}
	for l := range strings.Lines(text) {
		want[strings.SplitN(l, ",", 7)[5]]++
	}
	got := map[any]int64{}
	last := int64(1 << 60)
	for _, row := range r.Rows {
		n := row[1].(int64)
		got[row[0]] = n
		if n > last {
			t.Error("not in order")
		}
		last = n
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c6", "count(*)"}, r.Columns); diff != "" {
		t.Error(diff)
	}
}

// TestColumnsOfTheLine: c1 to c7 put together with commas are the line.
func TestColumnsOfTheLine(t *testing.T) {
	text := logText(200, 40)
	r := run(t, testDB(t, text), `SELECT c1||','||c2||','||c3||','||c4||','||c5||','||c6||',"'||c7||'"' FROM log`, Options{})
	var got strings.Builder
	for _, row := range r.Rows {
		fmt.Fprintln(&got, row[0])
	}
	if diff := cmp.Diff(text, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSelectStarShowsEachFieldOnce(t *testing.T) {
	r := run(t, testDB(t, logText(3, 1)), "SELECT * FROM log", Options{})
	if diff := cmp.Diff(logColumns[:9], r.Columns); diff != "" || len(r.Rows[0]) != 9 {
		t.Error(diff)
	}
}

// TestForeignSQLCannotReachOut lists what must be refused, and held by what.
func TestForeignSQLCannotReachOut(t *testing.T) {
	db := testDB(t, logText(10, 1))
	for _, sql := range []string{
		"DELETE FROM request",
		"INSERT INTO client (address) VALUES ('x')",
		"UPDATE state SET next_id = 1",
		"DROP VIEW log",
		"CREATE TABLE x (a)",
		"CREATE TEMP TABLE x (a)",
		"CREATE VIRTUAL TABLE x USING fts4(a)",
		"ATTACH DATABASE '/tmp/x.db' AS x",
		"DETACH DATABASE main",
		"VACUUM",
		"VACUUM INTO '/tmp/x.db'",
		"PRAGMA query_only = 0",
		"PRAGMA journal_mode = DELETE",
		"SELECT * FROM pragma_database_list",
		"SELECT load_extension('/tmp/x.so')",
		"SELECT fts3_tokenizer('simple')",
		"REINDEX", "ANALYZE", "BEGIN", "SAVEPOINT x",
		"SELECT 1; DELETE FROM request",
		"SELECT count(*) FROM log; SELECT 2",
		"WITH x AS (SELECT 1) DELETE FROM request",
		"EXPLAIN DELETE FROM request",
		"SELECT * FROM log WHERE cipher = ?",
		"SELECT 'open",
		"", " ; ", "-- nothing",
	} {
		for _, noRollup := range []bool{false, true} {
			if r, err := db.Run(t.Context(), sql, Options{NoRollup: noRollup}); err == nil {
				t.Errorf("%q was answered: %v", sql, r.Rows)
			}
		}
	}
	if n := run(t, db, "SELECT count(*) FROM log", Options{}).Rows[0][0]; n != int64(10) {
		t.Errorf("%v rows afterwards", n)
	}
}

func TestAQuestionThatNeverEndsIsStopped(t *testing.T) {
	db := testDB(t, logText(10, 1))
	for _, sql := range []string{
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n",
		"SELECT count(*) FROM log a, log b, log c, log d, log e, log f, log g, log h, log i, log j, log k, log l",
	} {
		_, err := db.Run(t.Context(), sql, Options{Timeout: 50 * time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), "stopped after 50ms") || hint.Of(err) == "" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Run(ctx, "SELECT count(*) FROM log", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	db := testDB(t, logText(10, 1))
	_, err := db.Run(t.Context(), "SELECT ciper FROM log", Options{})
	if err == nil || !strings.Contains(err.Error(), "no such column: ciper") || !strings.Contains(hint.Of(err), "cipher") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if _, err := db.Run(t.Context(), "SELEC 1", Options{}); err == nil || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("%v", err)
	}
	if _, err := db.Report(t.Context(), "cipher", Options{}); err == nil || !strings.Contains(hint.Of(err), "ciphers") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none.db")); err == nil || hint.Of(err) == "" {
		t.Errorf("a missing database: %v", err)
	}
}

func TestMemoryAnswersTheSame(t *testing.T) {
	text := logText(300, 5)
	s, err := store.OpenMemory(store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, text)
	memory, err := Over(s)
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	disk := testDB(t, text)
	for _, r := range Reports() {
		a, err := disk.Report(t.Context(), r.Name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := memory.Report(t.Context(), r.Name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", r.Name, diff)
		}
	}
	if _, err := memory.Run(t.Context(), "DELETE FROM request", Options{}); err == nil {
		t.Error("a database in memory can be changed")
	}
}
