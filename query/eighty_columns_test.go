package query

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// On a terminal of 80 columns every report and the list of them fit, whatever
// the log holds: httpd writes what is not ASCII as \xhh.
func TestReportsFitEightyColumns(t *testing.T) {
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "[01/Oct/2026:00:00:%02d +0000],2001:db8:1111:2222:3333:4444:5555:%x,HTTP/1.1,%s.example.org,TLSv1.1,ECDHE-ECDSA-CAMELLIA256-SHA384,\"Mozilla/5.0 (%s) Gecko\"\n",
			i, i, strings.Repeat("a-long-name.", i%6), strings.Repeat(`Version/1.2 \xe6\xbc\xa2 `, i))
	}
	db := testDB(t, text.String())
	for _, report := range Reports() {
		if line := fmt.Sprintf("%-16s %s", report.Name, report.Title); utf8.RuneCountInString(line) > 80 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
		r, err := db.Report(t.Context(), report.Name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 40 {
			t.Errorf("%s: %d requests", report.Name, r.Requests)
		}
		for _, line := range strings.Split(written(t, r, "table", 80), "\n") {
			if n := utf8.RuneCountInString(line); n > 80 {
				t.Errorf("%s: %d columns: %s", report.Name, n, line)
			}
		}
	}
}
