package logship

import (
	"context"
	"testing"
	"time"

	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/tally"
)

// queued is an agent that has read what s wrote and shipped nothing of it yet.
func (s *shipping) queued() (*agent, []cloudwatch.Event) {
	s.t.Helper()
	a, err := newAgent(s.t.Context(), withDefaults(s.conf))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(a.close)
	a.turn(s.t.Context())
	rows, err := s.store.Pending(s.t.Context(), 0, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	events, _ := a.shipper.events(rows)
	return a, events
}

func (s *shipping) wantQueued(want int64) {
	s.t.Helper()
	if n, _, err := s.store.Backlog(s.t.Context()); n != want || err != nil {
		s.t.Errorf("%d lines are queued, %v; want %d", n, err, want)
	}
}

// The pauses double from the first to the longest, each with a jitter of half.
func TestBackoffGrows(t *testing.T) {
	s := &shipper{first: time.Second, most: time.Minute}
	for failures, longest := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second,
		6: 32 * time.Second, 7: time.Minute, 19: time.Minute, 20: time.Minute, 1000: time.Minute} {
		least, most := time.Hour, time.Duration(0)
		for range 2000 {
			d := s.backoff(failures)
			least, most = min(least, d), max(most, d)
		}
		if least < longest/2 || most > longest || most < longest*9/10 {
			t.Errorf("after %d failures from %v to %v, want %v to %v", failures, least, most, longest/2, longest)
		}
	}
}

// What somebody must act on first is asked once, and what passes is tried again.
func TestSingleRunTriesWhatMayPass(t *testing.T) {
	for name, c := range map[string]struct {
		fault logshiptest.Fault
		calls int
	}{
		"access denied": {logshiptest.AccessDenied(), 1},
		"expired token": {logshiptest.ExpiredToken(), 1},
		"throttled":     {logshiptest.Throttled(), maxAttempts},
		"unavailable":   {logshiptest.Unavailable(), maxAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShipping(t, nil)
			s.cloud.Break(c.fault)
			s.write(recent(1, 1))
			if err := Run(t.Context(), s.conf); err == nil {
				t.Error("it shipped")
			}
			if n := s.cloud.Requests("PutLogEvents"); n != c.calls {
				t.Errorf("asked %d times, want %d", n, c.calls)
			}
		})
	}
}

// The answer is here when the stop comes: it goes into the store.
func TestStoppedBetweenAnswerAndStore(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(1, 3))
	a, events := s.queued()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.shipper.settle(ctx, events, cloudwatch.All(events)); err != nil {
		t.Error(err)
	}
	s.wantQueued(0)
}

// In one batch of less than a day some events are too old and some just not.
func TestBatchOverTheOldestDay(t *testing.T) {
	s := newShipping(t, func(c *cloudwatch.Config) { c.RetentionDays = 0 })
	edge := time.Now().AddDate(0, 0, -14)
	s.write(logshiptest.LinesAt(edge.Add(-2*time.Hour), 1, 3) + logshiptest.LinesAt(edge.Add(2*time.Hour), 4, 9))
	var last tally.Stats
	s.conf.Publish = func(st tally.Stats) error { last = st; return nil }
	s.once()
	s.wantShipped(4, 9)
	if last.Shipped != 6 || last.Rejected != 3 {
		t.Errorf("counted %d as shipped and %d as rejected, want 6 and 3", last.Shipped, last.Rejected)
	}
	if n := len(s.cloud.Puts()); n != 1 {
		t.Errorf("%d batches", n)
	}
}

// A batch is halved for one bad event, and the service goes away in the first
// half: that is the batch's error, and nothing of the second half is sent.
func TestFirstHalfFails(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(0, 0))
	s.once() // group and stream are there
	s.write(recent(1, 8))
	a, events := s.queued()
	events[6].Message = "" // which the service refuses as a whole call
	before := s.cloud.Requests("PutLogEvents")
	s.cloud.Inject(logshiptest.Fault{Status: 400, Code: "InvalidParameterException", Body: "an event"}, logshiptest.Unavailable())
	if err := a.shipper.shipBatch(t.Context(), events); err == nil {
		t.Error("a half was not shipped, and nobody is told")
	}
	if n := s.cloud.Requests("PutLogEvents") - before; n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	s.wantQueued(8)
}
