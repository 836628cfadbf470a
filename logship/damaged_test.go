package logship

import (
	"os"
	"strings"
	"testing"
)

// copytruncate under a writer without O_APPEND leaves a hole as large as the
// old file in front of the next line.
func TestHoleOfNULBytes(t *testing.T) {
	for name, size := range map[string]int64{"small": 100, "a chunk": chunk, "large": 5*chunk + 17} {
		t.Run(name, func(t *testing.T) {
			x := newFixture(t)
			x.write("", "")
			if err := os.Truncate(x.path, size); err != nil {
				t.Fatal(err)
			}
			x.write("", lines(1, 3))
			x.turn()
			x.want([2]int{1, 3})
			if got := x.follow.sink.tally.snapshot().Holes; got != size {
				t.Errorf("%d NUL bytes counted, want %d", got, size)
			}
			x.wantSaid("the log is damaged", 1)
		})
	}
}

// A line without end must not take memory without end, and is not lost without
// a word.
func TestLineOverTheLimit(t *testing.T) {
	for name, size := range map[string]int{"just": maxLine + 1, "a chunk": chunk, "far": 3*chunk + 5} {
		t.Run(name, func(t *testing.T) {
			x := newFixture(t)
			x.write("", lines(1, 1)+strings.Repeat("x", size)+"\n"+lines(2, 2))
			x.turn()
			got := x.stored()
			if len(got) != 3 || got[0] != "1" || got[1] != strings.Repeat("x", maxLine) || got[2] != "2" {
				t.Fatalf("%d lines stored", len(got))
			}
			if n := x.follow.sink.tally.snapshot().Cut; n != 1 {
				t.Errorf("%d lines counted as cut, want 1", n)
			}
			x.wantSaid("the log is damaged", 1)
		})
	}
}

// The line grows over many looks and a restart.
func TestLineOverTheLimitArrivesSlowly(t *testing.T) {
	x := newFixture(t)
	for range 5 {
		x.write("", strings.Repeat("y", chunk/2))
		x.turn()
	}
	x.stop()
	x.start()
	x.turn()
	x.write("", "\n"+lines(2, 2))
	x.turn()
	if got := x.stored(); len(got) != 2 || len(got[0]) != maxLine || got[1] != "2" {
		t.Errorf("%d lines stored", len(got))
	}
}

func TestLongestLineIsKeptWhole(t *testing.T) {
	x := newFixture(t)
	long := strings.Repeat("z", maxLine)
	x.write("", long+"\n"+lines(2, 2))
	x.turn()
	if got := x.stored(); len(got) != 2 || got[0] != long {
		t.Errorf("%d lines stored", len(got))
	}
	x.wantSaid("damaged", 0)
}
