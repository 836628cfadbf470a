package store

import (
	"fmt"
	"testing"
	"time"
)

func day(d int, n int) string {
	text := ""
	for i := range n {
		text += fmt.Sprintf("[%02d/Mar/2026:12:00:00 +0000],192.0.2.%d,HTTP/1.1,v%d,p,c,\"agent %d\"\n", d, d, d, i)
	}
	return text
}

// TestPrunedLinesAreNotImportedAgain also holds that a day with lines still to
// be shipped stays whole, and that words no request uses go.
func TestPrunedLinesAreNotImportedAgain(t *testing.T) {
	s := openTemp(t, Options{})
	text := day(1, 300) + day(2, 20) + day(3, 20) + "broken\n"
	f := newFile(text)
	appendText(t, s, f, text, false)
	queued := day(2, 1)
	appendText(t, s, newFile(queued), queued, true)

	n, err := s.Prune(t.Context(), time.Date(2026, 3, 3, 18, 0, 0, 0, time.UTC))
	if err != nil || n != 300 {
		t.Fatalf("pruned %d, %v; want day 1 alone", n, err)
	}
	if n := count(t, s, "SELECT count(*) FROM request"); n != 41 {
		t.Errorf("%d rows, want 41", n)
	}
	if n := count(t, s, "SELECT count(*) FROM client"); n != 2 {
		t.Errorf("%d clients, want 2", n)
	}
	if n := count(t, s, "SELECT count(*) FROM agent"); n != 20 {
		t.Errorf("%d agents, want 20", n)
	}
	checkRollups(t, s)

	appendText(t, s, newFile(text), text, false)
	if n := count(t, s, "SELECT count(*) FROM request"); n != 41 {
		t.Errorf("%d rows after the same file again, want 41", n)
	}
	again := newFile("new")
	appendText(t, s, again, day(4, 30), false) // ids of deleted words must not be used
	if n := count(t, s, "SELECT count(*) FROM log"); n != 71 {
		t.Errorf("%d rows in the view, want 71", n)
	}
	checkRollups(t, s)
}
