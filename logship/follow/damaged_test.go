package follow

import (
	"os"
	"strings"
	"testing"

	"tlskeeper/logship/lines"
	"tlskeeper/logship/logshiptest"
)

// copytruncate under a writer without O_APPEND leaves a hole as large as the
// old file in front of the next line.
func TestHoleOfNULBytes(t *testing.T) {
	for name, size := range map[string]int64{"small": 100, "a chunk": lines.Chunk, "large": 5*lines.Chunk + 17} {
		t.Run(name, func(t *testing.T) {
			x := newFixture(t)
			x.write("", "")
			if err := os.Truncate(x.path, size); err != nil {
				t.Fatal(err)
			}
			x.write("", logshiptest.Lines(1, 3))
			x.turn()
			x.want([2]int{1, 3})
			if got := x.follow.sink.tally.Snapshot().Holes; got != size {
				t.Errorf("%d NUL bytes counted, want %d", got, size)
			}
			x.wantSaid("the log is damaged", 1)
		})
	}
}

// A line without end must not take memory without end, and is not lost without
// a word.
func TestLineOverTheLimit(t *testing.T) {
	for name, size := range map[string]int{"just": lines.Max + 1, "a chunk": lines.Chunk, "far": 3*lines.Chunk + 5} {
		t.Run(name, func(t *testing.T) {
			x := newFixture(t)
			x.write("", logshiptest.Lines(1, 1)+strings.Repeat("x", size)+"\n"+logshiptest.Lines(2, 2))
			x.turn()
			got := x.stored()
			if len(got) != 3 || got[0] != "1" || got[1] != strings.Repeat("x", lines.Max) || got[2] != "2" {
				t.Fatalf("%d lines stored", len(got))
			}
			if n := x.follow.sink.tally.Snapshot().Cut; n != 1 {
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
		x.write("", strings.Repeat("y", lines.Chunk/2))
		x.turn()
	}
	x.stop()
	x.start()
	x.turn()
	x.write("", "\n"+logshiptest.Lines(2, 2))
	x.turn()
	if got := x.stored(); len(got) != 2 || len(got[0]) != lines.Max || got[1] != "2" {
		t.Errorf("%d lines stored", len(got))
	}
}

func TestLongestLineIsKeptWhole(t *testing.T) {
	x := newFixture(t)
	long := strings.Repeat("z", lines.Max)
	x.write("", long+"\n"+logshiptest.Lines(2, 2))
	x.turn()
	if got := x.stored(); len(got) != 2 || got[0] != long {
		t.Errorf("%d lines stored", len(got))
	}
	x.wantSaid("damaged", 0)
}
