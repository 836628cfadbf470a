package logship

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

const (
	testGroup  = "/tls/test"
	testStream = "host-1"
)

// shipping is an agent's surroundings: a log, a store, and the service's double.
type shipping struct {
	t     *testing.T
	path  string
	cloud *logshiptest.Server
	store *store.Store
	said  *logshiptest.Buffer
	conf  Config
}

func newShipping(t *testing.T, change func(*cloudwatch.Config)) *shipping {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "db", "tls.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := &shipping{t: t, path: filepath.Join(dir, "tls.log"), cloud: logshiptest.New(t), store: st, said: &logshiptest.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.said, nil))
	cc := cloudwatch.Config{Group: testGroup, Stream: testStream, Endpoint: s.cloud.URL, RetentionDays: 30, Gzip: true, Log: log}
	if change != nil {
		change(&cc)
	}
	cw, err := cloudwatch.New(t.Context(), cc)
	if err != nil {
		t.Fatal(err)
	}
	s.conf = Config{Logs: []string{s.path}, Store: st, CloudWatch: cw, Log: log, Once: true,
		Poll: 5 * time.Millisecond, Flush: 5 * time.Millisecond, retryFirst: time.Millisecond, retryMost: 4 * time.Millisecond}
	return s
}

func (s *shipping) write(text string) {
	s.t.Helper()
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// once runs the agent to the end of the log and of the queue.
func (s *shipping) once() {
	s.t.Helper()
	if err := Run(s.t.Context(), s.conf); err != nil {
		s.t.Fatal(err)
	}
}

// background runs the agent until the returned function is called, or the test
// ends.
func (s *shipping) background() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	s.conf.Once = false
	go func() { done <- Run(ctx, s.conf) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// shipped lists what the service has, by the numbers of lines.
func (s *shipping) shipped() []string {
	var list []string
	for _, ev := range s.cloud.Events(testGroup, testStream) {
		list = append(list, logshiptest.Number(ev.Message))
	}
	return list
}

// wantShipped checks that the service has lines from to to, each at least once
// and no other, and that nothing is left in the queue.
func (s *shipping) wantShipped(from, to int) {
	s.t.Helper()
	count := map[string]int{}
	for _, n := range s.shipped() {
		count[n]++
	}
	for n := from; n <= to; n++ {
		if count[fmt.Sprint(n)] == 0 {
			s.t.Errorf("line %d was not shipped", n)
		}
	}
	if len(count) != to-from+1 {
		s.t.Errorf("%d different lines were shipped, want %d", len(count), to-from+1)
	}
	if n, _, err := s.store.Backlog(s.t.Context()); n != 0 || err != nil {
		s.t.Errorf("%d lines are still queued, %v", n, err)
	}
}

// recent is like lines, but its times are of today, as the service wants them.
func recent(from, to int) string {
	return logshiptest.LinesAt(time.Now(), from, to)
}

func TestShipsInFileOrder(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(1, 500))
	s.once()
	s.wantShipped(1, 500)
	events := s.cloud.Events(testGroup, testStream)
	for i, ev := range events {
		if logshiptest.Number(ev.Message) != fmt.Sprint(i+1) {
			t.Fatalf("event %d is line %s", i, logshiptest.Number(ev.Message))
		}
		if i > 0 && ev.Timestamp <= events[i-1].Timestamp {
			t.Fatalf("event %d has no time of its own", i)
		}
	}
	if n := len(s.cloud.Puts()); n != 1 {
		t.Errorf("%d calls for one batch", n)
	}
}

func TestMakesGroupStreamAndRetention(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(1, 1))
	s.once()
	s.wantShipped(1, 1)
	if got := s.cloud.Retention(testGroup); got != 30 {
		t.Errorf("retention is %d days, want 30", got)
	}
}

// Whoever made the group chose its retention.
func TestLeavesTheRetentionOfAForeignGroup(t *testing.T) {
	s := newShipping(t, nil)
	s.cloud.MakeGroup(testGroup)
	s.write(recent(1, 1))
	s.once()
	s.wantShipped(1, 1)
	if got := s.cloud.Retention(testGroup); got != 0 {
		t.Errorf("retention was set to %d days", got)
	}
}

func TestGroupDeletedMeanwhile(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(1, 1))
	s.once()
	s.cloud.DropGroup(testGroup)
	s.write(recent(2, 3))
	s.once()
	s.wantShipped(2, 3)
}

func TestWithoutGzip(t *testing.T) {
	s := newShipping(t, func(c *cloudwatch.Config) { c.Gzip = false })
	s.write(recent(1, 10))
	s.once()
	s.wantShipped(1, 10)
}

func TestClientAddressesThatLeave(t *testing.T) {
	for client, want := range map[string]string{"full": ",192.0.2.7,", "truncated": ",192.0.2.0,", "none": ",-,"} {
		t.Run(client, func(t *testing.T) {
			s := newShipping(t, func(c *cloudwatch.Config) { c.Client = client })
			s.write(recent(1, 1))
			s.once()
			if got := s.cloud.Events(testGroup, testStream)[0].Message; !strings.Contains(got, want) {
				t.Errorf("%q does not hold %q", got, want)
			}
		})
	}
}

func TestLinesThatAreNoLogLinesAreShipped(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(1, 1) + "\n" + "not \xff ours\n" + recent(2, 2))
	s.once()
	if got := strings.Join(s.shipped(), "|"); got != "1|not \uFFFD ours|2" {
		t.Errorf("shipped: %q", got)
	}
}

func TestTooOldAndTooNewLinesAreCounted(t *testing.T) {
	s := newShipping(t, nil)
	now := time.Now()
	s.write(logshiptest.LinesAt(now.AddDate(0, 0, -15), 1, 2) + logshiptest.LinesAt(now, 3, 5) + logshiptest.LinesAt(now.Add(3*time.Hour), 6, 6))
	var last tally.Stats
	s.conf.Publish = func(st tally.Stats) error { last = st; return nil }
	s.once()
	s.wantShipped(3, 5)
	if last.Shipped != 3 || last.Rejected != 3 || last.Lines != 6 {
		t.Errorf("shipped %d, rejected %d of %d lines", last.Shipped, last.Rejected, last.Lines)
	}
	for _, reason := range []string{"too old", "too new"} {
		if !strings.Contains(s.said.String(), reason) {
			t.Errorf("%q was not said", reason)
		}
	}
}

// A websocket's line comes a day after the second it is stamped with.
func TestLinesOutOfTimeOrderOverDays(t *testing.T) {
	s := newShipping(t, nil)
	now := time.Now()
	for n := 1; n <= 50; n++ {
		s.write(logshiptest.LinesAt(now.Add(-time.Duration(n*37%300)*time.Hour), n, n))
	}
	s.once()
	s.wantShipped(1, 50)
}

func TestNoCredentials(t *testing.T) {
	s := newShipping(t, nil)
	os.Unsetenv("AWS_ACCESS_KEY_ID")
	os.Unsetenv("AWS_SECRET_ACCESS_KEY")
	cw, err := cloudwatch.New(t.Context(), cloudwatch.Config{Group: testGroup, Stream: testStream, Endpoint: s.cloud.URL, Log: s.conf.Log})
	if err != nil {
		t.Fatal(err)
	}
	s.conf.CloudWatch = cw
	s.write(recent(1, 3))
	err = Run(t.Context(), s.conf)
	if err == nil || !strings.Contains(err.Error(), "3 lines are not shipped") || !strings.Contains(hint.Of(err), "AWS_ACCESS_KEY_ID") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
	if n, _, _ := s.store.Backlog(t.Context()); n != 3 {
		t.Errorf("%d lines are kept, want 3", n)
	}
}

// Without [cloudwatch] nothing is queued, and it is said once.
func TestKeptHereOnly(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.CloudWatch = nil
	s.write(recent(1, 3))
	s.once()
	if n, _, _ := s.store.Backlog(t.Context()); n != 0 {
		t.Errorf("%d lines are queued", n)
	}
	if strings.Count(s.said.String(), "on this host only") != 1 {
		t.Error(s.said.String())
	}
}
