package follow

import (
	"fmt"
	"testing"

	"tlskeeper/logship/logshiptest"
)

func TestRotatedWhileDown(t *testing.T) {
	for name, rotate := range map[string]func(*fixture){
		"once": func(x *fixture) {
			x.rename("", ".1")
		},
		"by date": func(x *fixture) {
			x.rename("", "-20261123")
		},
		"by hand": func(x *fixture) {
			x.rename("", ".old")
		},
		"and compressed": func(x *fixture) {
			x.rename("", ".1")
			x.compress(".1")
		},
		"copied and truncated": func(x *fixture) {
			x.copytruncate(".1")
		},
		"copied, truncated and compressed": func(x *fixture) {
			x.copytruncate(".1")
			x.compress(".1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newFixture(t)
			x.write("", logshiptest.Lines(1, 4))
			x.turn()
			x.stop()
			x.write("", logshiptest.Lines(5, 6))
			rotate(x)
			x.write("", logshiptest.Lines(7, 8))
			x.start()
			x.turn()
			x.want([2]int{1, 8})
			x.stop()
			x.start()
			x.turn()
			x.want([2]int{1, 8})
		})
	}
}

func TestRotatedSeveralTimesWhileDown(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 4))
	x.turn()
	x.stop()
	x.write("", logshiptest.Lines(5, 6))
	x.rename("", ".4")
	x.compress(".4")
	x.write(".3", logshiptest.Lines(7, 8)) // never seen
	x.compress(".3")
	x.write(".2", logshiptest.Lines(9, 10)) // never seen
	x.write(".1", "")
	x.write("", logshiptest.Lines(11, 12))
	x.start()
	x.turn()
	x.want([2]int{1, 12})
}

// Nobody wrote yet when the agent was stopped.
func TestEmptyLogRotatedWhileDown(t *testing.T) {
	for name, before := range map[string]func(*fixture){
		"missing": func(*fixture) {},
		"empty":   func(x *fixture) { x.write("", "") },
	} {
		t.Run(name, func(t *testing.T) {
			x := newFixture(t)
			before(x)
			x.turn()
			x.stop()
			x.write("", logshiptest.Lines(1, 2))
			x.rename("", ".1")
			x.write("", logshiptest.Lines(3, 4))
			x.start()
			x.turn()
			x.want([2]int{1, 4})
		})
	}
}

// Rotated files that were there before the agent are for import. They stay
// unread under whatever name they have later.
func TestOlderFilesAreLeftAlone(t *testing.T) {
	x := newFixture(t)
	x.write(".2", logshiptest.Lines(-20, -11))
	x.compress(".2")
	x.write(".1", logshiptest.Lines(-10, -9))
	x.write("", logshiptest.Lines(1, 2))
	for n := range 3 {
		x.turn()
		x.stop()
		x.start()
		x.turn()
		x.want([2]int{1, 2 + n})
		x.rename(fmt.Sprintf(".%d.gz", n+2), fmt.Sprintf(".%d.gz", n+3))
		if n == 0 {
			x.compress(".1")
			x.rename(".1.gz", ".2.gz")
		} else {
			x.rename(fmt.Sprintf(".%d", n), fmt.Sprintf(".%d", n+1))
		}
		x.rename("", ".1")
		x.write("", logshiptest.Lines(3+n, 3+n))
	}
}

// The file's place is in the store, not in the agent: a stop in the middle
// repeats nothing.
func TestStoppedAndStarted(t *testing.T) {
	x := newFixture(t)
	for n := range 5 {
		x.write("", logshiptest.Lines(2*n, 2*n+1))
		x.turn()
		x.stop()
		x.start()
	}
	x.turn()
	x.want([2]int{0, 9})
}
