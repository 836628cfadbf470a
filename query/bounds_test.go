package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/table"
)

// SQLite looks for an interrupt between two opcodes only, and the search for one
// long text in another is a single one.
func TestNoOpcodeIsGivenLongTexts(t *testing.T) {
	db := testDB(t, logText(10, 1))
	for _, sql := range []string{
		"SELECT instr(printf('%.*c',8000000,'a'), printf('%.*c',4000000,'a')||'b')",
		"SELECT replace(hex(zeroblob(2000000)), '00', 'x') FROM log",
	} {
		_, err := db.Run(t.Context(), sql, Options{})
		if err == nil || !strings.Contains(err.Error(), "longer than 256 KiB") || hint.Of(err) == "" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if n := run(t, db, "SELECT length(printf('%.*c', 200000, 'a'))", Options{}).Rows[0][0]; n != int64(200_000) {
		t.Errorf("a long text: %v", n)
	}
}

// What does not end in spite of the interrupt is left behind.
func TestAnInterruptThatIsNotHeardIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, deaf := &DB{}, make(chan struct{})
		defer close(deaf)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := db.within(ctx, func() error { <-deaf; return nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute+grace {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := (&DB{}).within(ctx, func() error { return errFull }); !errors.Is(err, errFull) {
			t.Error(err)
		}
	})
}

const wide = "SELECT printf('%.*c', 200000, 'a') AS a, x FROM c"

// An answer that is held has a bound in bytes, and --limit reads no further.
func TestAnAnswerThatIsHeldIsBounded(t *testing.T) {
	db := testDB(t, logText(10, 1))
	_, err := db.Run(t.Context(), endless+") "+wide, Options{})
	if err == nil || !strings.Contains(err.Error(), "more than 256 MiB") || !strings.Contains(hint.Of(err), "--limit") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := run(t, db, endless+") "+wide, Options{Filter: Filter{Limit: 2}})
	runtime.ReadMemStats(&after)
	if len(r.Rows) != 2 || !r.More || after.TotalAlloc-before.TotalAlloc > 8<<20 {
		t.Errorf("%d rows, more %v, %d bytes", len(r.Rows), r.More, after.TotalAlloc-before.TotalAlloc)
	}
	if got := written(t, r, "table", 0); !strings.HasSuffix(got, "\nthe first 2 rows of more\n") {
		t.Error(got[len(got)-100:])
	}
	if r := run(t, db, "SELECT 1 UNION SELECT 2", Options{Filter: Filter{Limit: 2}}); r.More {
		t.Error("more than all")
	}
}

// The bound in rows holds where the rows are small: the last that fits is kept, and
// one more is an error, not a shorter answer.
func TestAnAnswerOfTooManyRows(t *testing.T) {
	h := &holder{Result: &Result{Rows: make([][]any, maxRows-1, maxRows)}}
	if err := h.add([]any{int64(1)}); err != nil || len(h.Rows) != maxRows {
		t.Errorf("%d rows, %v", len(h.Rows), err)
	}
	err := h.add([]any{int64(1)})
	if err == nil || !strings.Contains(err.Error(), "more than 1000000 rows") || hint.Of(err) == "" || len(h.Rows) != maxRows {
		t.Errorf("%d rows, %v", len(h.Rows), err)
	}
}

// A sort spills into temporary files.
func TestTemporaryFilesAreBounded(t *testing.T) {
	db := testDB(t, logText(10, 1))
	db.maxTemp = 16 << 20
	for _, sql := range []string{
		endless + ") SELECT x FROM c ORDER BY randomblob(100000)",
		endless + ") SELECT DISTINCT randomblob(100000) FROM c",
	} {
		_, err := db.Run(t.Context(), sql, Options{Timeout: 20 * time.Second})
		if err == nil || !strings.Contains(err.Error(), "16 MiB of temporary files") || hint.Of(err) == "" {
			t.Errorf("%s: %v", sql, err)
		}
		var out bytes.Buffer
		err = db.Export(t.Context(), sql, Options{Timeout: 20 * time.Second}, &out, "csv")
		if err == nil || !strings.Contains(err.Error(), "16 MiB of temporary files") {
			t.Errorf("exporting %s: %v", sql, err)
		}
	}
	text := fmt.Sprintf("%s LIMIT 1000) SELECT x FROM c ORDER BY randomblob(10)", endless)
	if r := run(t, db, text, Options{}); len(r.Rows) != 1000 {
		t.Errorf("%d rows", len(r.Rows))
	}
}

// A report with a limit counts the rows that it does not show, and holds only
// those that it shows.
func TestAReportOfManyRowsHoldsThoseItShows(t *testing.T) {
	db := testDB(t, logText(3000, 3))
	r, err := db.Report(t.Context(), "hours", Options{Filter: Filter{Limit: 2}})
	if err != nil || len(r.Rows) != 2 || r.Cut != 70 || r.More || cap(r.Rows) > 2 {
		t.Errorf("%d rows, %d cut, capacity %d: %v", len(r.Rows), r.Cut, cap(r.Rows), err)
	}
}

// A user agent of a few kilobytes does not make every row of a table as long.
func TestCellsOfAPipedTableAreBounded(t *testing.T) {
	r := &Result{Columns: []string{"user_agent", "n"}}
	for i := range 36 {
		r.Rows = append(r.Rows, []any{"short", int64(i)})
	}
	r.Rows[7][0] = strings.Repeat("Mozilla", 1200) + "!end"
	got := written(t, r, "table", 0)
	if len(got) > 40*220 || !strings.Contains(got, "…") || !strings.Contains(got, "!end ") {
		t.Errorf("%d bytes", len(got))
	}
	if got := written(t, r, "csv", 0); !strings.Contains(got, r.Rows[7][0].(string)) {
		t.Error("csv has whole values")
	}
}

// A long text is clipped before it is escaped, and shown as if it were not.
func TestClippedCellsLookTheSame(t *testing.T) {
	for _, part := range []string{"a", "ü", "\u202e", "𝒳", "\xff", "\xbf"} {
		long := "begin" + strings.Repeat(part, 2_000) + "end"
		clipped := cell(clip(long))
		if got, want := table.Squeeze(clipped, cellWidest), table.Squeeze(cell(long), cellWidest); got != want {
			t.Errorf("%q\ngot  %s\nwant %s", part, got, want)
		}
	}
}
