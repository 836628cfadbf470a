package store

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// dayLines are a request in every hour of a day of March 2026, UTC.
func dayLines(d int) string {
	text := ""
	for hour := range 24 {
		text += fmt.Sprintf("[%02d/Mar/2026:%02d:30:00 +0000],192.0.2.1,HTTP/1.1,v,p,c,\"agent\"\n", d, hour)
	}
	return text
}

// The day that goes takes nothing of the days beside it: not their first and last
// hours in the roll-ups, not their rows.
func TestPruningLeavesTheNeighboursWhole(t *testing.T) {
	s := openTemp(t, Options{})
	text := dayLines(1) + dayLines(2) + dayLines(3)
	appendText(t, s, newFile(text), text, false)
	n, err := s.Prune(t.Context(), time.Date(2026, 3, 2, 23, 59, 59, 0, time.UTC))
	if err != nil || n != 24 {
		t.Fatalf("pruned %d, %v; want the 24 of the first day", n, err)
	}
	if n := count(t, s, "SELECT count(*) FROM hour_combo"); n != 48 {
		t.Errorf("%d hours are counted, want 48", n)
	}
	checkRollups(t, s)
	n, err = s.Prune(t.Context(), time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC))
	if err != nil || n != 24 {
		t.Errorf("at midnight pruned %d, %v; want the 24 of the second day", n, err)
	}
	checkRollups(t, s)
}

// A line that is not of the format waits for its shipping like any other, however
// old it is; shipped, it goes with its day, and that of the next day stays.
func TestUnshippedRawLineIsNotPruned(t *testing.T) {
	s := openTemp(t, Options{})
	text := day(1, 1) + "odd one\n" + day(2, 1) + "odd two\n" + day(1, 1) + "odd three\n"
	appendText(t, s, newFile(text), text, true)
	events, err := s.Pending(t.Context(), 0, 10)
	if err != nil || len(events) != 6 {
		t.Fatalf("%d lines to ship, %v", len(events), err)
	}
	mark := func(n int) {
		if err := s.MarkShipped(t.Context(), []int64{events[n].ID}, nil); err != nil {
			t.Fatal(err)
		}
	}
	prune := func(want ...string) {
		t.Helper()
		if _, err := s.Prune(t.Context(), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, word := range []string{"odd one", "odd two", "odd three"} {
			if count(t, s, "SELECT count(*) FROM raw WHERE line = CAST('"+word+"' AS BLOB)") == 1 {
				left = append(left, word)
			}
		}
		if !slices.Equal(left, want) {
			t.Errorf("kept %q, want %q", left, want)
		}
	}
	mark(3)
	prune("odd one", "odd two", "odd three")
	mark(5)
	prune("odd one", "odd two")
	mark(1)
	prune("odd two")
}
