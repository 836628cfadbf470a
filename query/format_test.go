package query

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tlskeeper/internal/table"
)

func written(t *testing.T, r *Result, format string, width int) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b, format, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostile is what a client, or SQL over it, can put into a cell.
func hostile() *Result {
	return &Result{Columns: []string{"user_agent", "n", "=n"}, Rows: [][]any{
		{"\x1b]0;title\x07\x1b[2J", int64(1), nil},
		{"\u009b31m\u202eevil\x7f\u2066\u200b\ufeff\U000e0041", int64(-2), 0.5},
		{"=HYPERLINK(\"http://x\")", int64(3), math.Inf(1)},
		{"@SUM(1)|`<b>*", int64(4), "-"},
		{"-1+1", int64(5), "+1"},
		{"\tx\ny", int64(6), "\xff\xfe"},
	}}
}

func TestNothingHostileReachesTheTerminal(t *testing.T) {
	for _, format := range Formats {
		for _, width := range []int{0, 40} {
			for _, c := range written(t, hostile(), format, width) {
				if c != '\n' && !unicode.IsPrint(c) {
					t.Errorf("%s: %U is written", format, c)
				}
			}
		}
	}
}

func TestASpreadsheetRunsNoCell(t *testing.T) {
	records, err := csv.NewReader(strings.NewReader(written(t, hostile(), "csv", 0))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		for i, cell := range record {
			if cell != "" && cell != "-" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && i != 1 {
				t.Errorf("%q would be run", cell)
			}
		}
	}
	if got := records[6][0]; got != `'\x09x\x0ay` {
		t.Errorf("a cell that began with a tab is %q", got)
	}
	for value, want := range map[string]bool{"=1": true, "+1": true, "-1": true, "@a": true, "\t=1": true, "\r=1": true, "-": false, "": false, "a=1": false, " =1": false} {
		if got := runs(value); got != want {
			t.Errorf("a spreadsheet runs %q: %v", value, got)
		}
	}
	if records[2][1] != "-2" || records[4][2] != "-" {
		t.Errorf("numbers and lone dashes stay: %q, %q", records[2][1], records[4][2])
	}
}

func TestJSONKeepsValuesAndOrder(t *testing.T) {
	text := written(t, hostile(), "json", 0)
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if rows[0]["user_agent"] != "\x1b]0;title\x07\x1b[2J" || rows[1]["user_agent"] != hostile().Rows[1][0] || rows[2]["=n"] != nil {
		t.Errorf("%v", rows)
	}
	if strings.Index(text, `"user_agent"`) > strings.Index(text, `"n"`) {
		t.Error("columns out of order")
	}
	twice := &Result{Columns: []string{"n", "n"}, Rows: [][]any{{int64(1), int64(2)}}}
	if got := written(t, twice, "json", 0); !strings.Contains(got, `{"n": 1, "n_2": 2}`) {
		t.Error(got)
	}
	if got := written(t, &Result{Columns: []string{"n"}}, "json", 0); strings.Join(strings.Fields(got), "") != "[]" {
		t.Errorf("no rows: %s", got)
	}
}

func TestMarkdownCellsStayInTheirColumn(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(written(t, hostile(), "markdown", 0)), "\n")
	if len(lines) != 8 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if n := strings.Count(strings.ReplaceAll(l, `\|`, ""), "|"); n != 4 {
			t.Errorf("%d bars: %s", n, l)
		}
	}
}

func TestATableFitsTheTerminal(t *testing.T) {
	r := &Result{Title: "title", Columns: []string{"user_agent", "requests", "percent"}, Requests: 400}
	for i := range 4 {
		r.Rows = append(r.Rows, []any{strings.Repeat("Mozilla/5.0 ", 5*i+1), int64(100), 25 * float64(4-i) / 2.5})
	}
	for _, width := range []int{60, 80, 200} {
		text := written(t, r, "table", width)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
	}
	wide := written(t, r, "table", 260)
	if !strings.Contains(wide, strings.Repeat("█", barWidest)) || strings.Contains(wide, "…") {
		t.Errorf("want whole cells and bars:\n%s", wide)
	}
	if pipe := written(t, r, "table", 0); strings.ContainsAny(pipe, "█…") {
		t.Errorf("a pipe gets neither bars nor cut cells:\n%s", pipe)
	}
}

// What a client sends in another script is as wide as a terminal shows it.
func TestATableOfWideCharactersFitsAndIsAligned(t *testing.T) {
	r := &Result{Columns: []string{"user_agent", "requests", "percent"}}
	for _, agent := range []string{"plain", "漢字のブラウザ", "e\u0301e\u0301", "👩‍💻 agent", strings.Repeat("漢字", 60)} {
		r.Rows = append(r.Rows, []any{agent, int64(7), 20.0})
	}
	for _, width := range []int{20, 60, 80} {
		end := -1
		for line := range strings.Lines(written(t, r, "table", width)) {
			line = strings.TrimSuffix(line, "\n")
			if n := table.Width(line); n > width {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
			at := strings.Index(line, "20.00")
			if at < 0 || width == 20 { // there, a row is a paragraph
				continue
			}
			if at = table.Width(line[:at]); end >= 0 && at != end {
				t.Errorf("the last column begins at %d, above at %d: %s", at, end, line)
			}
			end = at
		}
	}
}

func TestReportsAddUp(t *testing.T) {
	db := testDB(t, logText(1000, 3))
	for _, r := range Reports() {
		got, err := db.Report(t.Context(), r.Name, Options{Filter: Filter{Limit: 3}})
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		all, err := db.Report(t.Context(), r.Name, Options{})
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		if len(got.Rows) > 3 || len(got.Rows)+got.Cut != len(all.Rows) || got.Requests != 1000 {
			t.Errorf("%s: %d rows, %d cut, of %d", r.Name, len(got.Rows), got.Cut, len(all.Rows))
		}
		if r.Name != "clients" && !strings.HasPrefix(got.Way, "roll-up") {
			t.Errorf("%s: answered by %s", r.Name, got.Way)
		}
		at := len(all.Columns) - 2
		requests, percent := int64(0), 0.0
		for _, row := range all.Rows {
			requests += row[at].(int64)
			percent += row[at+1].(float64)
		}
		if strings.HasPrefix(r.Name, "legacy") {
			continue
		}
		if requests != 1000 || math.Abs(percent-100) > 0.01*float64(len(all.Rows)) {
			t.Errorf("%s: %d requests, %v percent", r.Name, requests, percent)
		}
	}
}

func TestAnEmptyWindowHasNoRequests(t *testing.T) {
	db := testDB(t, logText(10, 1))
	r, err := db.Report(t.Context(), "ciphers", Options{Filter: Filter{VHost: "none"}})
	if err != nil || len(r.Rows) != 0 || r.Requests != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := written(t, r, "table", 0); !strings.Contains(got, "0 rows, 0 requests in all") {
		t.Error(got)
	}
}

func TestLegacyNamesWhatIsOldOrWeak(t *testing.T) {
	var text strings.Builder
	for i, c := range [][2]string{
		{"TLSv1.3", "TLS_AES_128_GCM_SHA256"}, {"TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"TLSv1.2", "ECDHE-RSA-CHACHA20-POLY1305"}, {"TLSv1.2", "DHE-RSA-AES128-CCM"}, {"-", "-"}, {"", ""},
		{"TLSv1", "ECDHE-RSA-AES128-SHA"}, {"TLSv1.1", "AES128-SHA"}, {"TLSv1.2", "AES128-GCM-SHA256"},
		{"TLSv1.2", "ECDHE-RSA-AES128-SHA256"}, {"SSLv3", "RC4-SHA"},
	} {
		fmt.Fprintf(&text, "[01/Oct/2026:00:00:%02d +0000],192.0.2.1,HTTP/1.1,v,%s,%s,\"-\"\n", i, c[0], c[1])
	}
	r, err := testDB(t, text.String()).Report(t.Context(), "legacy", Options{})
	if err != nil || len(r.Rows) != 5 {
		t.Errorf("%v, %v; want the last five", r, err)
	}
}

// User agents differ at their end, so what is cut out is the middle; and rows
// that fit no line are shown a column a line.
func TestTablesOnANarrowTerminal(t *testing.T) {
	agent := "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1%d Safari/537.36"
	r := &Result{Columns: []string{"user_agent", "requests"}, Rows: [][]any{{fmt.Sprintf(agent, 1), int64(2)}, {fmt.Sprintf(agent, 2), int64(1)}}}
	got := written(t, r, "table", 80)
	if !strings.Contains(got, "Mozilla/5.0 (Windows NT…36") || !strings.Contains(got, "Chrome/11 Safari/537.36         2\n") || !strings.Contains(got, "Chrome/12 Saf") {
		t.Error(got)
	}
	wide := &Result{Columns: logColumns[:shownColumns]}
	for range 2 {
		row := make([]any, shownColumns)
		for i := range row {
			row[i] = "2016-07-18 04:25:10"
		}
		row[6] = fmt.Sprintf(agent, 1)
		wide.Rows = append(wide.Rows, row)
	}
	got = written(t, wide, "table", 80)
	if !strings.Contains(got, "time        2016-07-18 04:25:10\n") || !strings.Contains(got, "\n\ntime ") || !strings.Contains(got, "Safari/537.36\n") || !strings.HasSuffix(got, "\n\n2 rows\n") {
		t.Error(got)
	}
	for _, line := range strings.Split(got, "\n") {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
