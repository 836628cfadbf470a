package follow

import (
	"os"
	"testing"

	"tlskeeper/logship/logshiptest"
)

func TestLogIsNotThereYet(t *testing.T) {
	x := newFixture(t)
	for range 3 {
		x.turn()
	}
	x.wantSaid("not there yet", 1)
	x.write("", logshiptest.Lines(1, 2))
	x.turn()
	x.want([2]int{1, 2})
	x.wantSaid("following", 1)
}

// Opening a FIFO would block, and reading it would take bytes from somebody.
func TestLogIsNoFile(t *testing.T) {
	x := newFixture(t)
	if err := os.Mkdir(x.path, 0o750); err != nil {
		t.Fatal(err)
	}
	x.turn()
	x.turn()
	x.wantSaid("not a regular file", 1)
	os.Remove(x.path)
	x.write("", logshiptest.Lines(1, 1))
	x.turn()
	x.want([2]int{1, 1})
}
