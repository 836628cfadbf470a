package logship

import (
	"context"
	"strings"
	"testing"
	"time"

	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/logshiptest"
)

// A service that takes the connection and never answers is given up, and the
// lines go out when it answers again.
func TestServiceThatNeverAnswers(t *testing.T) {
	for _, op := range []string{"PutLogEvents", "CreateLogGroup", "GetLogEvents"} {
		t.Run(op, func(t *testing.T) {
			s := newShipping(t, func(c *cloudwatch.Config) { c.Timeout = 500 * time.Millisecond })
			s.conf.blur = time.Nanosecond
			stop := s.background()
			s.cloud.Inject(logshiptest.Silence().On(op))
			s.write(recent(1, 3))
			s.shipsAll(3)
			s.cloud.Inject(logshiptest.Silence().ButAccepted(), logshiptest.Silence().On(op))
			s.write(recent(4, 6))
			s.shipsAll(6)
			stop()
			s.wantShipped(1, 6)
			if !strings.Contains(s.said.String(), "tried again") {
				t.Errorf("nobody was told:\n%s", s.said)
			}
		})
	}
}

// A stop does not wait for a silent service longer than its grace.
func TestStopWhileTheServiceIsSilent(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.Grace = 10 * time.Millisecond
	s.cloud.Break(logshiptest.Silence())
	ctx, cancel := context.WithCancel(t.Context())
	s.conf.Once = false
	done := make(chan error, 1)
	go func() { done <- Run(ctx, s.conf) }()
	s.write(recent(1, 3))
	logshiptest.Eventually(t, "the call", func() bool { return s.cloud.Requests("PutLogEvents") > 0 })
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second): // a call's own limit is 30 s
		t.Fatal("the agent does not stop")
	}
	if n, _, err := s.store.Backlog(t.Context()); n != 3 || err != nil {
		t.Errorf("%d lines are kept, %v; want 3", n, err)
	}
}
