package logship

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store/storetest"
)

// A process that may only read the database can keep everybody from writing to
// it: the agent says since when and whose fault it is, and loses nothing.
func TestLockedByAReader(t *testing.T) {
	s := newShipping(t, nil)
	var seen reports
	s.conf.Publish = seen.take
	stop := s.background()
	s.write(recent(1, 5))
	s.shipsAll(5)
	pid, end := storetest.Lock(t, filepath.Join(filepath.Dir(s.path), "db", "tls.db"))
	s.write(recent(6, 10))
	logshiptest.Eventually(t, "a word about the lock", func() bool {
		_, last := seen.last()
		return !last.PausedSince.IsZero() && strings.Contains(last.PausedWhy, fmt.Sprintf("locked by process %d (", pid))
	})
	end()
	s.shipsAll(10)
	logshiptest.Eventually(t, "the all-clear", func() bool {
		_, last := seen.last()
		return last.PausedSince.IsZero() && last.PausedWhy == "" && last.Lines == 10
	})
	stop()
	s.wantShipped(1, 10)
}

// longLines are requests from to to, each with a user agent of 8 KB of its own.
func longLines(from, to int) string {
	var b strings.Builder
	for line := range strings.Lines(recent(from, to)) {
		at := strings.LastIndex(line, `"agent `)
		b.WriteString(line[:at] + `"` + strings.Repeat("x", 8000) + line[at+1:])
	}
	return b.String()
}

// When CloudWatch is away for so long that the database fills up, the lines wait
// in the log, and nothing of what waits is deleted.
func TestFullOfLinesThatWait(t *testing.T) {
	s := newShipping(t, nil)
	if err := s.store.Limit(16 << 20); err != nil {
		t.Fatal(err)
	}
	var seen reports
	s.conf.Publish = seen.take
	s.cloud.Break(logshiptest.Unavailable())
	stop := s.background()
	const n = 1500
	s.write(longLines(1, n))
	logshiptest.Eventually(t, "a word about it", func() bool {
		_, last := seen.last()
		return !last.PausedSince.IsZero() && strings.Contains(last.PausedWhy, "is full") && last.Size.Pages >= last.Size.Most
	})
	if _, last := seen.last(); last.Lines >= n || last.Pruned != 0 || last.Backlog != last.Lines {
		t.Errorf("%+v", last)
	}
	s.cloud.Repair()
	logshiptest.Eventually(t, "the lines to be shipped", func() bool {
		_, last := seen.last()
		return last.Lines == n && last.Backlog == 0
	})
	stop()
	_, last := seen.last()
	if last.Lines != n || last.Shipped != n || last.Pruned == 0 || !last.PausedSince.IsZero() {
		t.Errorf("%+v", last)
	}
	if size, err := s.store.Size(t.Context()); err != nil || size.Pages > size.Most+8<<20 {
		t.Errorf("%+v, %v", size, err)
	}
}

// A single run makes room for what it reads, too.
func TestASingleRunThroughASmallDatabase(t *testing.T) {
	s := newShipping(t, nil)
	if err := s.store.Limit(16 << 20); err != nil {
		t.Fatal(err)
	}
	s.conf.CloudWatch = nil
	s.write(longLines(1, 1500))
	s.once()
	st, err := s.store.Stats(t.Context())
	if err != nil || st.Rows == 0 || st.Rows >= 1500 {
		t.Errorf("%+v, %v", st, err)
	}
}
