package query

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCostCountsRequestsClientsAndAgents(t *testing.T) {
	var text strings.Builder
	add := func(day, n, clients int, protocol, cipher, agent string) {
		for i := range n {
			fmt.Fprintf(&text, "[%02d/Oct/2026:10:00:%02d +0000],192.0.2.%d,HTTP/1.1,v,%s,%s,\"%s\"\n", day, i%60, i%clients, protocol, cipher, agent)
		}
	}
	add(1, 50, 5, "TLSv1", "AES128-SHA", "too old to count")
	add(10, 30, 3, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "new")
	add(11, 4, 2, "TLSv1", "AES128-SHA", "old")
	add(12, 6, 4, "TLSv1", "AES128-SHA", "older")
	db := testDB(t, text.String())
	got, err := Cost(t.Context(), db, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := []CostLine{
		{"TLSv1.3", "TLS_AES_128_GCM_SHA256", 30, 3, []string{"new"}},
		{"TLSv1", "AES128-SHA", 10, 4, []string{"older", "old"}},
	}
	if diff := cmp.Diff(want, got.Lines); diff != "" {
		t.Error(diff)
	}
	if got.Since.UTC().Day() != 10 || got.Until.UTC().Day() != 12 {
		t.Errorf("history from %v to %v", got.Since, got.Until)
	}
	none, err := Cost(t.Context(), db, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(none.Lines) != 0 || !none.Since.IsZero() {
		t.Errorf("%+v, %v; want no history", none, err)
	}
}

// A history too long to be counted now ends the counting, not the patience of
// whoever asked for a plan.
func TestCostOfAnEndlessHistory(t *testing.T) {
	db := testDB(t, logText(1000, 3))
	db.timeout = time.Nanosecond
	if _, err := Cost(t.Context(), db, time.Time{}); err == nil || !strings.Contains(err.Error(), "stopped after 1ns") {
		t.Errorf("got %v", err)
	}
}
