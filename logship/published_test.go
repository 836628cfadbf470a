package logship

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// reports keeps what an agent published.
type reports struct {
	mu   sync.Mutex
	list []tally.Stats
}

func (r *reports) take(st tally.Stats) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, st)
	return nil
}

func (r *reports) last() (n int, st tally.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n = len(r.list); n > 0 {
		st = r.list[n-1]
	}
	return n, st
}

// Who asks for the state after some seconds sees what happened in them; an
// agent with nothing to do writes its state at the heartbeat only, and one that
// is busy not at every line.
func TestPublishesWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "tls.log")
		st, err := store.Open(filepath.Join(dir, "tls.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		var seen reports
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- Run(ctx, Config{Logs: []string{path}, Store: st, Log: slog.New(slog.DiscardHandler), Publish: seen.take})
		}()
		defer func() { stop(); <-done }()
		time.Sleep(10 * time.Minute)
		idle, _ := seen.last()
		if idle < 20 || idle > 22 {
			t.Errorf("an idle agent published %d times in ten minutes, want 21", idle)
		}
		for second := range 20 {
			for n := range 10 {
				logshiptest.Append(t, path, logshiptest.Lines(10*second+n, 10*second+n))
				time.Sleep(100 * time.Millisecond)
			}
		}
		time.Sleep(2 * time.Second)
		n, last := seen.last()
		if last.Lines != 200 || len(last.Files) != 1 || last.Files[0].Offset != last.Files[0].Size {
			t.Errorf("two seconds after the last line: %+v", last)
		}
		if busy := n - idle; busy > 24 {
			t.Errorf("published %d times in 22 seconds", busy)
		}
	})
}

// The figures of shipping come without waiting for the heartbeat, too.
func TestPublishesWhatWasShipped(t *testing.T) {
	s := newShipping(t, nil)
	var seen reports
	s.conf.Publish = seen.take
	stop := s.background()
	s.write(recent(1, 7))
	logshiptest.Eventually(t, "the figures", func() bool {
		_, last := seen.last()
		return last.Lines == 7 && last.Shipped == 7 && last.Backlog == 0 && !last.LastShip.IsZero()
	})
	stop()
}
