package follow

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
)

// turnInTime is turn that fails where it would wait for somebody for ever.
func (x *fixture) turnInTime() {
	x.t.Helper()
	done := make(chan bool, 1)
	go func() { done <- x.follow.Turn(x.t.Context()) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		x.t.Fatal("the follower hangs")
	}
}

// A FIFO under the log's name, or beside it, stops nobody: opening one waits for
// a writer, unless it is asked not to.
func TestFIFOUnderTheLogsName(t *testing.T) {
	x := newFixture(t)
	if err := syscall.Mkfifo(x.path, 0o640); err != nil {
		t.Fatal(err)
	}
	x.turnInTime()
	x.turnInTime()
	x.wantSaid("not a regular file", 1)
	if err := os.Remove(x.path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(x.name(".1"), 0o640); err != nil {
		t.Fatal(err)
	}
	x.write("", logshiptest.Lines(1, 2))
	x.turnInTime()
	x.turn()
	x.want([2]int{1, 2})
}

// While gzip is at work there is the plain file and half a packed one. The plain
// one is read, and nobody is told of damage.
func TestHalfPackedFileBesideThePlainOne(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 50))
	x.turn()
	x.stop()
	x.write("", logshiptest.Lines(51, 60))
	x.rename("", ".2")
	x.write("", logshiptest.Lines(61, 400)) // a file that nobody saw before it was rotated
	x.rename("", ".1")
	plain, err := os.ReadFile(x.name(".1"))
	if err != nil {
		t.Fatal(err)
	}
	x.compress(".1")
	packed, err := os.ReadFile(x.name(".1.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{".1": plain, ".1.gz": packed[:len(packed)/2]} {
		if err := os.WriteFile(x.name(name), data, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	x.write("", logshiptest.Lines(401, 410))
	x.start()
	x.turn()
	x.want([2]int{1, 410})
	if strings.Contains(x.said.String(), "level=WARN") {
		t.Errorf("it was said:\n%s", &x.said)
	}
}

// An old file is closed when it was quiet for as long as was asked, and not
// before: a request that takes 59 minutes is logged in it.
func TestLateLineJustWithinTheQuiet(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 1))
	x.turn()
	x.rename("", ".1")
	x.write("", logshiptest.Lines(2, 2))
	x.turn()
	x.later(time.Hour - time.Second)
	x.turn()
	x.write(".1", logshiptest.Lines(3, 3))
	x.turn()
	x.want([2]int{1, 3})
	x.later(time.Hour)
	x.turn()
	if n := len(x.follow.open); n != 2 {
		t.Errorf("%d files are open at the last moment, want 2", n)
	}
	x.later(time.Second)
	x.turn()
	if n := len(x.follow.open); n != 1 {
		t.Errorf("%d files are open afterwards, want 1", n)
	}
}

// sized is a file's info of a chosen size.
type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

// A file that is shorter than what was read of its namesake is not that one's
// continuation, though inode and beginning agree: it was truncated.
func TestShorterThanWhatWasRead(t *testing.T) {
	x := newFixture(t)
	x.write("", logshiptest.Lines(1, 100))
	info, err := os.Stat(x.path)
	if err != nil {
		t.Fatal(err)
	}
	head := []byte(logshiptest.Lines(1, 100))[:store.FingerprintSize]
	k := newFile(x.path, info)
	k.SetFingerprint(head)
	k.Offset = info.Size()
	nobody := func(*store.File) bool { return false }
	if got := match([]*store.File{k}, info, head, nobody); got != k {
		t.Error("the same file is not known again")
	}
	if got := match([]*store.File{k}, sized{info, info.Size() - 1}, head, nobody); got != nil {
		t.Error("a shorter file would be read on from behind its end")
	}
}
