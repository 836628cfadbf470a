package logship

import (
	"fmt"
	"strings"
	"testing"

	"tlskeeper/logship/logshiptest"
)

// Every failure twice: the call was rejected, and the call was carried out but
// reported as failed. After it the agent goes on by itself.
func TestEveryFaultAndItsTwin(t *testing.T) {
	for name, fault := range logshiptest.Faults() {
		for _, f := range []logshiptest.Fault{fault, fault.ButAccepted()} {
			t.Run(fmt.Sprintf("%s accepted=%v", name, f.Accept), func(t *testing.T) {
				s := newShipping(t, nil)
				s.write(recent(1, 30))
				s.once()
				stop := s.background()
				s.cloud.Inject(f, f)
				s.write(recent(31, 60))
				logshiptest.Eventually(t, "the lines to be shipped", func() bool {
					n, _, err := s.store.Backlog(t.Context())
					return err == nil && n == 0 && s.cloud.Requests("PutLogEvents") >= 4
				})
				stop()
				s.wantShipped(1, 60)
				if n := s.cloud.Accepted(); !f.Accept && n != 60 {
					t.Errorf("%d events accepted, want 60: a rejected batch is not to be doubled", n)
				}
				if n := strings.Count(s.said.String(), "tried again"); n != 1 {
					t.Errorf("the failure was said %d times:\n%s", n, s.said)
				}
			})
		}
	}
}

// Making the group fails, too.
func TestFaultsOnTheWayToTheFirstBatch(t *testing.T) {
	s := newShipping(t, nil)
	s.cloud.Inject(logshiptest.Failed().On("CreateLogGroup"), logshiptest.Reset().On("CreateLogGroup").ButAccepted(),
		logshiptest.Throttled().On("CreateLogStream"), logshiptest.Failed().On("CreateLogStream").ButAccepted())
	s.write(recent(1, 3))
	s.once()
	s.wantShipped(1, 3)
}

// A stop during an outage keeps what is queued, and the next start ships it.
func TestStoppedDuringAnOutage(t *testing.T) {
	s := newShipping(t, nil)
	s.cloud.Break(logshiptest.Unavailable())
	stop := s.background()
	s.write(recent(1, 40))
	logshiptest.Eventually(t, "an attempt", func() bool { return s.cloud.Requests("PutLogEvents") > 2 })
	stop()
	if n, _, _ := s.store.Backlog(t.Context()); n != 40 {
		t.Errorf("%d lines are queued, want 40", n)
	}
	s.cloud.Repair()
	s.conf.Once = true
	s.once()
	s.wantShipped(1, 40)
	if n := s.cloud.Accepted(); n != 40 {
		t.Errorf("%d events accepted, want 40", n)
	}
}

// What came in just before the stop is shipped before the end.
func TestStopShipsTheRest(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.Flush = 1 << 40 // never by itself
	s.write(recent(1, 1))
	s.once()
	stop := s.background()
	s.write(recent(2, 9))
	logshiptest.Eventually(t, "the lines in the store", func() bool {
		st, err := s.store.Stats(t.Context())
		return err == nil && st.Rows == 9
	})
	stop()
	s.wantShipped(1, 9)
}

func TestOnceGivesUpAndSaysSo(t *testing.T) {
	s := newShipping(t, nil)
	s.cloud.Break(logshiptest.AccessDenied())
	s.write(recent(1, 5))
	err := Run(t.Context(), s.conf)
	if err == nil || !strings.Contains(err.Error(), "5 lines are not shipped") {
		t.Errorf("got %v", err)
	}
}

// The service finds fault with one event only: the others are not held up.
func TestOneEventIsRefused(t *testing.T) {
	s := newShipping(t, nil)
	s.write(recent(1, 64))
	a, err := newAgent(t.Context(), withDefaults(s.conf))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	a.turn(t.Context())
	rows, err := s.store.Pending(t.Context(), 0, 100)
	if err != nil || len(rows) != 64 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	events, _ := a.shipper.events(rows)
	events[20].Message = "" // which the service refuses as a whole call
	if err := a.shipper.shipBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if n := s.cloud.Accepted(); n != 63 {
		t.Errorf("%d events accepted, want 63", n)
	}
	if n, _, _ := s.store.Backlog(t.Context()); n != 0 {
		t.Errorf("%d lines are still queued", n)
	}
	if !strings.Contains(s.said.String(), "refuses a line") {
		t.Error(s.said)
	}
}
