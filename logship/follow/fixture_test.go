package follow

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// fixture is a log in a directory of its own, and a follower of it that is
// turned by hand. Nothing is shipped, so the queue is the list of lines stored.
type fixture struct {
	t      *testing.T
	dir    string
	path   string // dir/tls.log
	store  *store.Store
	follow *Follower
	now    time.Time
	said   bytes.Buffer // what the follower logged
}

func newFixture(t *testing.T) *fixture {
	x := &fixture{t: t, dir: t.TempDir(), now: time.Now()}
	x.path = filepath.Join(x.dir, "tls.log")
	x.start()
	t.Cleanup(x.stop)
	return x
}

func (x *fixture) start() {
	x.t.Helper()
	st, err := store.Open(filepath.Join(x.dir, "db", "tls.db"), store.Options{Log: slog.Default()})
	if err != nil {
		x.t.Fatal(err)
	}
	k := NewSink(st, true, tally.New(x.now))
	k.now = func() time.Time { return x.now }
	log := slog.New(slog.NewTextHandler(&x.said, nil))
	f, err := New(x.t.Context(), x.path, time.Hour, k, log)
	if err != nil {
		x.t.Fatal(err)
	}
	x.store, x.follow = st, f
}

func (x *fixture) stop() {
	if x.store == nil {
		return
	}
	x.follow.Close()
	if err := x.store.Close(); err != nil {
		x.t.Error(err)
	}
	x.store = nil
}

// turn lets the follower read everything there is.
func (x *fixture) turn() {
	x.t.Helper()
	for n := 0; x.follow.Turn(x.t.Context()); n++ {
		if n > 1000 {
			x.t.Fatal("the follower does not come to an end")
		}
	}
}

// later lets time pass.
func (x *fixture) later(d time.Duration) { x.now = x.now.Add(d) }

// write appends text to a file of the fixture, "" being the log.
func (x *fixture) write(name, text string) {
	x.t.Helper()
	f := x.open(name)
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// open opens a file as a worker of Apache does.
func (x *fixture) open(name string) *os.File {
	x.t.Helper()
	f, err := os.OpenFile(x.name(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		x.t.Fatal(err)
	}
	return f
}

func (x *fixture) name(name string) string { return filepath.Join(x.dir, "tls.log"+name) }

func (x *fixture) rename(from, to string) {
	x.t.Helper()
	if err := os.Rename(x.name(from), x.name(to)); err != nil {
		x.t.Fatal(err)
	}
}

// compress does as gzip does: a new file, and the old one deleted.
func (x *fixture) compress(name string) {
	x.t.Helper()
	plain, err := os.ReadFile(x.name(name))
	if err != nil {
		x.t.Fatal(err)
	}
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	zw.Write(plain)
	zw.Close()
	if err := os.WriteFile(x.name(name+".gz"), packed.Bytes(), 0o640); err != nil {
		x.t.Fatal(err)
	}
	if err := os.Remove(x.name(name)); err != nil {
		x.t.Fatal(err)
	}
}

// copytruncate does as logrotate does with that option.
func (x *fixture) copytruncate(to string) {
	x.t.Helper()
	data, err := os.ReadFile(x.path)
	if err == nil {
		err = os.WriteFile(x.name(to), data, 0o640)
	}
	if err == nil {
		err = os.Truncate(x.path, 0)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// stored lists the lines of the store in the order they were taken in.
func (x *fixture) stored() []string {
	x.t.Helper()
	events, err := x.store.Pending(x.t.Context(), 0, 1<<20)
	if err != nil {
		x.t.Fatal(err)
	}
	var list []string
	for _, ev := range events {
		list = append(list, logshiptest.Number(string(ev.Raw)))
	}
	return list
}

// want compares what is stored with the numbered lines of ranges, in order.
func (x *fixture) want(ranges ...[2]int) {
	x.t.Helper()
	var want []string
	for _, r := range ranges {
		for n := r[0]; n <= r[1]; n++ {
			want = append(want, fmt.Sprint(n))
		}
	}
	if diff := cmp.Diff(want, x.stored()); diff != "" {
		x.t.Errorf("stored lines (-want +got):\n%s", diff)
	}
}

// wantSaid checks how often a text was logged.
func (x *fixture) wantSaid(text string, times int) {
	x.t.Helper()
	if n := strings.Count(x.said.String(), text); n != times {
		x.t.Errorf("%q was said %d times, want %d, in:\n%s", text, n, times, x.said.String())
	}
}
