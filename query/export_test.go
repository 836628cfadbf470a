package query

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// counter counts lines and keeps the first bytes.
type counter struct {
	lines int
	head  bytes.Buffer
}

func (c *counter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte{'\n'})
	if c.head.Len() < 100 {
		c.head.Write(p[:min(len(p), 100)])
	}
	return len(p), nil
}

const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c"

// An answer larger than what is held in memory is written as it comes.
func TestTwoMillionRows(t *testing.T) {
	db := testDB(t, logText(10, 1))
	for _, format := range []string{"csv", "json"} {
		var out counter
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := db.Export(t.Context(), endless+" LIMIT 2000000) SELECT x FROM c", Options{}, &out, format); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if out.lines < 2_000_001 || int64(after.HeapInuse)-int64(before.HeapInuse) > 32<<20 {
			t.Errorf("%s: %d lines, %d bytes of memory", format, out.lines, int64(after.HeapInuse)-int64(before.HeapInuse))
		}
	}
}

// What is written as it comes is the same as what is held and written then.
func TestExportIsWrite(t *testing.T) {
	db := testDB(t, logText(300, 3))
	for _, sql := range []string{"SELECT * FROM log ORDER BY time, client, user_agent", "SELECT cipher, count(*) FROM log GROUP BY 1 ORDER BY 2 DESC",
		"SELECT 1 AS a, 2 AS a, '=x' FROM log", "SELECT * FROM log WHERE 0"} {
		for _, format := range []string{"csv", "json"} {
			for _, o := range []Options{{}, {Filter: Filter{Limit: 3, VHost: "www1.example.org"}}} {
				var direct, held bytes.Buffer
				if err := db.Export(t.Context(), sql, o, &direct, format); err != nil {
					t.Fatal(err)
				}
				if err := run(t, db, sql, o).Write(&held, format, 0); err != nil {
					t.Fatal(err)
				}
				if direct.String() != held.String() || direct.Len() == 0 {
					t.Errorf("%s as %s\ngot  %s\nwant %s", sql, format, &direct, &held)
				}
			}
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// A reader that went away ends an endless question.
func TestExportToNobody(t *testing.T) {
	db := testDB(t, logText(10, 1))
	if err := db.Export(t.Context(), endless+") SELECT x FROM c", Options{}, full{}, "csv"); !errors.Is(err, errFull) {
		t.Error(err)
	}
	err := db.Export(t.Context(), "SELECT ciper FROM log", Options{}, full{}, "csv")
	if err == nil || !strings.Contains(err.Error(), "^~~~~") {
		t.Error(err)
	}
}
