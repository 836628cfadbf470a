package follow

import (
	"os"
	"testing"

	"tlskeeper/logship/logshiptest"
)

func TestCopytruncate(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 4))
	x.turn()
	x.write("", logshiptest.Lines(5, 6)) // not read before the copy
	x.copytruncate(".1")
	x.write("", logshiptest.Lines(7, 8))
	x.turn()
	x.write("", logshiptest.Lines(9, 9))
	x.turn()
	x.want([2]int{1, 4}, [2]int{5, 9})
}

func TestTruncatedByHand(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 4))
	x.turn()
	if err := os.Truncate(x.path, 0); err != nil {
		t.Fatal(err)
	}
	x.turn()
	x.write("", logshiptest.Lines(5, 9))
	x.turn()
	x.want([2]int{1, 9})
}

// The new content is longer than the old place when it is looked at next: the
// size says nothing.
func TestRegrown(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 4))
	x.turn()
	if err := os.Truncate(x.path, 0); err != nil {
		t.Fatal(err)
	}
	x.write("", logshiptest.Lines(5, 12))
	x.turn()
	x.want([2]int{1, 12})
}

func TestRegrownWhileDown(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 4))
	x.turn()
	x.stop()
	if err := os.Truncate(x.path, 0); err != nil {
		t.Fatal(err)
	}
	x.write("", logshiptest.Lines(5, 12))
	x.start()
	x.turn()
	x.want([2]int{1, 12})
}

// The chunk was read, and then the file was truncated and written anew.
func TestReplacedBetweenReadAndStore(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 4))
	x.turn()
	x.write("", logshiptest.Lines(5, 6))
	r := x.follow.current
	got, end, err := r.cut.Next(x.follow.sink.buf)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	if err := os.WriteFile(x.path, []byte(logshiptest.Lines(7, 20)), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := x.follow.sink.take(t.Context(), r, got, end); err != errReplaced {
		t.Errorf("got %v, want errReplaced", err)
	}
	x.turn()
	x.want([2]int{1, 4}, [2]int{7, 20})
}
