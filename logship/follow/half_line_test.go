package follow

import (
	"strings"
	"testing"
	"time"

	"tlskeeper/logship/logshiptest"
)

// Readers see half lines at page boundaries even though httpd writes each line
// with one call.
func TestHalfLine(t *testing.T) {
	x := newFixture(t)
	whole := logshiptest.Lines(1, 2)
	for i := range len(whole) {
		x.write("", whole[i:i+1])
		x.turn()
	}
	x.want([2]int{1, 2})
}

func TestHalfLineOverRestart(t *testing.T) {
	x := newFixture(t)
	whole := logshiptest.Lines(1, 3)
	x.write("", whole[:len(whole)/2])
	x.turn()
	x.stop()
	x.write("", whole[len(whole)/2:])
	x.start()
	x.turn()
	x.want([2]int{1, 3})
}

// A worker was killed in the middle of a line, and the file will never be
// finished: the half is kept as it is.
func TestHalfLineAtTheEndOfAnOldFile(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 2)+"[23/Nov/2026:00:00:03 +00")
	x.turn()
	x.rename("", ".1")
	x.write("", logshiptest.Lines(4, 4))
	x.turn()
	x.want([2]int{1, 2}, [2]int{4, 4})
	x.later(2 * time.Hour)
	x.turn()
	got := x.stored()
	if len(got) != 4 || got[3] != "[23/Nov/2026:00:00:03 +00" {
		t.Errorf("stored: %q", got)
	}
}

func TestHalfLineAtTheEndOfACompressedFile(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 1))
	x.turn()
	x.stop()
	x.write("", logshiptest.Lines(2, 2)+"[23/Nov/2026")
	x.rename("", ".1")
	x.compress(".1")
	for range 2 {
		x.start()
		x.turn()
		if got := strings.Join(x.stored(), " "); got != "1 2 [23/Nov/2026" {
			t.Errorf("stored: %q", got)
		}
		x.stop()
	}
	x.start()
}
