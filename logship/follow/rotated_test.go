package follow

import (
	"os"
	"testing"
	"time"

	"tlskeeper/logship/logshiptest"
)

// Apache's graceful restart: the new file is there before the old workers have
// let go of the old one.
func TestLateLinesAfterRotation(t *testing.T) {
	x := newFixture(t)
	worker := x.open("")
	defer worker.Close()
	worker.WriteString(logshiptest.Lines(1, 3))
	x.turn()
	x.rename("", ".1")
	x.write("", logshiptest.Lines(10, 11))
	x.turn()
	worker.WriteString(logshiptest.Lines(4, 5))
	x.turn()
	x.later(59 * time.Minute)
	worker.WriteString(logshiptest.Lines(6, 6))
	x.turn()
	x.want([2]int{1, 3}, [2]int{10, 11}, [2]int{4, 6})
}

func TestRotatedFileIsClosedWhenQuiet(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 3))
	x.turn()
	x.later(3 * time.Hour) // a quiet log is not an old file
	x.turn()
	x.rename("", ".1")
	x.write("", logshiptest.Lines(4, 4))
	x.turn()
	if n := len(x.follow.open); n != 2 {
		t.Errorf("%d files are open right after the rotation, want 2", n)
	}
	x.later(61 * time.Minute)
	x.turn()
	if n := len(x.follow.open); n != 1 {
		t.Errorf("%d files are open an hour later, want 1", n)
	}
	x.want([2]int{1, 4})
}

// A process that hangs for a while finds two rotations behind it.
func TestTwoRotationsBetweenTwoLooks(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 2))
	x.turn()
	x.write("", logshiptest.Lines(3, 4))
	x.rename("", ".2")
	x.write(".1", logshiptest.Lines(5, 6))
	x.write("", logshiptest.Lines(7, 8))
	x.turn()
	x.want([2]int{1, 8})
}

func TestDeletedAndRecreated(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 2))
	x.turn()
	if err := os.Remove(x.path); err != nil {
		t.Fatal(err)
	}
	x.turn()
	x.write("", logshiptest.Lines(3, 4))
	x.turn()
	x.want([2]int{1, 4})
}

// Lines are not known by their text: the first line of the new file is the same
// as that of the old one, and so are two in a row.
func TestEqualLinesAreSeparateRequests(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 1))
	x.turn()
	x.rename("", ".1")
	x.write("", logshiptest.Lines(1, 1)+logshiptest.Lines(1, 1))
	x.turn()
	x.want([2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1})
}

// Compressing a rotated file that is still open makes a third name for it.
func TestCompressedWhileOpen(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 20))
	x.turn()
	x.rename("", ".1")
	x.write("", logshiptest.Lines(21, 22))
	x.turn()
	x.compress(".1")
	x.turn()
	x.rename(".1.gz", ".2.gz")
	x.rename("", ".1")
	x.write("", logshiptest.Lines(23, 24))
	x.turn()
	x.want([2]int{1, 24})
}
