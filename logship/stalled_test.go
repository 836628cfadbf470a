package logship

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// Retention counts back from now: what is younger stays, shipped or not.
func TestRetentionDeletesWhatIsOlder(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.CloudWatch = nil
	now := time.Now()
	s.write(logshiptest.LinesAt(now.AddDate(0, 0, -9), 1, 5) + logshiptest.LinesAt(now.AddDate(0, 0, -5), 6, 8) + logshiptest.LinesAt(now, 9, 10))
	s.once()
	s.conf.Retention = 7 * 24 * time.Hour
	stop := s.background()
	logshiptest.Eventually(t, "the pruning", func() bool {
		st, err := s.store.Stats(t.Context())
		return err == nil && st.Rows < 10
	})
	stop()
	if st, err := s.store.Stats(t.Context()); st.Rows != 5 || err != nil {
		t.Errorf("%d lines are left, %v; want 5", st.Rows, err)
	}
}

// systemd is a socket that takes what a service says to it.
func systemd(t *testing.T) *logshiptest.Buffer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	said := &logshiptest.Buffer{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			said.Write(append(buf[:n:n], '\n'))
		}
	}()
	return said
}

// The watchdog hears of an agent only while the follower comes round: one that
// hangs is ended by systemd, and that is what the watchdog is for.
func TestWatchdogOfAStalledAgent(t *testing.T) {
	for name, c := range map[string]struct {
		turns       time.Duration // how long the follower comes round
		least, most int           // beats in ten minutes, one each half minute
	}{"alive": {10 * time.Minute, 19, 21}, "stalled": {time.Minute, 4, 7}} {
		t.Run(name, func(t *testing.T) {
			said := systemd(t)
			synctest.Test(t, func(t *testing.T) {
				st, err := store.Open(filepath.Join(t.TempDir(), "tls.db"), store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				a := &agent{Config: Config{Store: st, Log: slog.New(slog.DiscardHandler)}, tally: tally.New(time.Now())}
				a.tally.Turn(nil, time.Now())
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { a.maintain(ctx); close(done) }()
				for range int(c.turns / time.Second) {
					time.Sleep(time.Second)
					a.tally.Turn(nil, time.Now())
				}
				time.Sleep(10*time.Minute - c.turns)
				stop()
				<-done
			})
			logshiptest.Eventually(t, "the last word", func() bool { return strings.Contains(said.String(), "STOPPING=1") })
			if n := strings.Count(said.String(), "WATCHDOG=1"); n < c.least || n > c.most {
				t.Errorf("fed %d times, want %d to %d", n, c.least, c.most)
			}
			if n := strings.Count(said.String(), "READY=1"); n != 1 {
				t.Errorf("ready %d times", n)
			}
		})
	}
}
