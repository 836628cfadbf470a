package logship

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
)

// ambiguous are the answers that leave it open whether the batch was taken.
func ambiguous() map[string]logshiptest.Fault {
	return map[string]logshiptest.Fault{"reset": logshiptest.Reset(), "failed": logshiptest.Failed(),
		"unavailable": logshiptest.Unavailable(), "html": logshiptest.HTML()}
}

// shipsAll waits until so many lines in all are stored and shipped.
func (s *shipping) shipsAll(lines int64) {
	s.t.Helper()
	logshiptest.Eventually(s.t, "the lines to be shipped", func() bool {
		st, err := s.store.Stats(s.t.Context())
		return err == nil && st.Rows == lines && st.Pending == 0
	})
}

// A batch that was taken and reported as failed is found in the stream and not
// sent again; one that was not taken is.
func TestAmbiguousAnswers(t *testing.T) {
	for name, fault := range ambiguous() {
		for accepted, faults := range map[string][]logshiptest.Fault{
			"accepted": {fault.ButAccepted()}, "rejected": {fault}, "first rejected, then accepted": {fault, fault.ButAccepted()},
			"the answer to the reading, too": {fault.ButAccepted(), fault.On("GetLogEvents")},
		} {
			t.Run(name+" "+accepted, func(t *testing.T) {
				s := newShipping(t, nil)
				s.conf.blur = time.Nanosecond
				stop := s.background()
				s.write(recent(1, 30))
				s.shipsAll(30)
				s.cloud.Inject(faults...)
				s.write(recent(31, 60))
				s.shipsAll(60)
				s.write(recent(61, 70))
				s.shipsAll(70)
				stop()
				s.wantShipped(1, 70)
				if n := s.cloud.Accepted(); n != 70 {
					t.Errorf("%d events accepted, want 70", n)
				}
			})
		}
	}
}

// Without the permission to read, lines may be there twice, and none is missing.
func TestReadingBackIsDenied(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.blur = time.Nanosecond
	stop := s.background()
	s.write(recent(1, 3))
	s.shipsAll(3)
	for n := range 2 {
		s.cloud.Inject(logshiptest.Reset().ButAccepted(), logshiptest.AccessDenied().On("GetLogEvents"))
		s.write(recent(4+n, 4+n))
		s.shipsAll(int64(4 + n))
	}
	stop()
	s.wantShipped(1, 5)
	if n, reads := s.cloud.Accepted(), s.cloud.Requests("GetLogEvents"); n != 7 || reads != 1 {
		t.Errorf("%d events accepted, want 7; %d attempts to read, want 1", n, reads)
	}
	if n := strings.Count(s.said.String(), "logs:GetLogEvents"); n != 1 {
		t.Errorf("said %d times:\n%s", n, s.said)
	}
}

// A line of another log with the same words in the same second is another
// request: that one of them is in the stream says nothing about the other.
func TestEqualLineThatWasShippedBefore(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.blur = time.Nanosecond
	second := &shipping{t: t, path: filepath.Join(filepath.Dir(s.path), "other.log")}
	s.conf.Logs = append(s.conf.Logs, second.path)
	stop := s.background()
	text := recent(1, 1)
	s.write(text)
	s.shipsAll(1)
	s.cloud.Inject(logshiptest.Reset())
	second.write(text)
	s.shipsAll(2) // stored as two rows
	stop()
	if n := s.cloud.Accepted(); n != 2 {
		t.Errorf("%d events accepted, want 2", n)
	}
}

// An answer of a moment after the start is not searched for: what the process
// before this one shipped last is not known any more.
func TestNotReadBackRightAfterTheStart(t *testing.T) {
	s := newShipping(t, nil)
	s.conf.blur = time.Hour
	stop := s.background()
	s.cloud.Inject(logshiptest.Reset().ButAccepted())
	s.write(recent(1, 3))
	s.shipsAll(3)
	stop()
	s.wantShipped(1, 3)
	if reads := s.cloud.Requests("GetLogEvents"); reads != 0 {
		t.Errorf("%d attempts to read", reads)
	}
}

// An equal line that another process shipped before this one began says nothing
// about a batch of ours: the service's time of taking it in tells them apart.
func TestEqualLineOfBeforeTheAgentsLife(t *testing.T) {
	s := newShipping(t, nil)
	text := recent(2, 2)
	s.cloud.SetNow(func() time.Time { return time.Now().Add(-time.Hour) })
	s.write(text)
	s.once()
	other, err := store.Open(filepath.Join(t.TempDir(), "tls.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.cloud.SetNow(time.Now)
	s.store, s.conf.Store, s.conf.blur = other, other, time.Nanosecond
	s.path = filepath.Join(t.TempDir(), "tls.log")
	s.conf.Logs = []string{s.path}
	stop := s.background()
	s.write(logshiptest.LinesAt(time.Now().Add(-time.Minute), 1, 1)) // in the same second it would move the other's millisecond
	s.shipsAll(1)
	s.cloud.Inject(logshiptest.Reset())
	s.write(text)
	s.shipsAll(2)
	stop()
	if n, reads := s.cloud.Accepted(), s.cloud.Requests("GetLogEvents"); n != 3 || reads == 0 {
		t.Errorf("%d events accepted, want 3; read back %d times", n, reads)
	}
}
