package logship

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
)

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

// doubtful is a stream of the service's double, and batches that may be in it.
func doubtful(t *testing.T) (*shipping, *doubts) {
	t.Helper()
	s := newShipping(t, nil)
	if err := s.conf.CloudWatch.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := newDoubts(slog.New(slog.DiscardHandler), time.Minute)
	d.started = time.Now().Add(-time.Hour)
	return s, d
}

// Two requests of one second in two logs are equal in every byte. One of them in
// the stream is one, not both.
func TestTwinsInADoubtfulBatch(t *testing.T) {
	s, d := doubtful(t)
	now := time.Now().UnixMilli()
	twins := []event{{1, now, "twin"}, {2, now, "twin"}}
	d.add(twins, time.Now())
	if _, err := s.conf.CloudWatch.put(t.Context(), twins[:1]); err != nil {
		t.Fatal(err)
	}
	there, missing, err := d.sift(t.Context(), s.conf.CloudWatch, twins)
	if err != nil || len(there) != 1 || len(missing) != 1 {
		t.Errorf("%d are there, %d missing, %v; want one of each", len(there), len(missing), err)
	}
}

// The stream is read to its end, over as many pages as it takes.
func TestDoubtfulBatchOnTheSecondPage(t *testing.T) {
	s, d := doubtful(t)
	now := time.Now().UnixMilli()
	var batches [2][]event
	for i := range 12_000 {
		batches[i/6000] = append(batches[i/6000], event{int64(i), now + int64(i), fmt.Sprint("line ", i)})
	}
	whole := append(append([]event{}, batches[0]...), batches[1]...)
	d.add(whole, time.Now())
	for _, batch := range batches {
		if _, err := s.conf.CloudWatch.put(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	there, missing, err := d.sift(t.Context(), s.conf.CloudWatch, whole)
	if err != nil || len(there) != len(whole) || len(missing) != 0 {
		t.Errorf("%d are there, %d missing, %v; want all of %d", len(there), len(missing), err, len(whole))
	}
	if n := s.cloud.Requests("GetLogEvents"); n < 3 { // the last one comes back with the token it was given
		t.Errorf("%d pages were read", n)
	}
}

// What was acknowledged is remembered while anything is in doubt, and for a
// while after; then it is forgotten, or the memory for it would only grow.
func TestAcknowledgementsAreRememberedWhileInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoubts(slog.New(slog.DiscardHandler), time.Nanosecond)
		time.Sleep(time.Second)
		settle := func(id int64) { d.settled([]event{{id, id, "x"}}) }
		settle(1)
		time.Sleep(2 * clockBlur) // one on each side
		settle(2)
		if len(d.acked) != 2 {
			t.Errorf("%d acknowledgements of the last moments, want 2", len(d.acked))
		}
		d.add([]event{{3, 3, "x"}}, time.Now())
		time.Sleep(10 * ackedFor)
		settle(4)
		if len(d.acked) != 3 {
			t.Errorf("%d acknowledgements while a line is in doubt, want 3", len(d.acked))
		}
		settle(3)
		if len(d.acked) != 2 {
			t.Errorf("%d acknowledgements when nothing is in doubt, want 2", len(d.acked))
		}
	})
}

// The same as of the service's answers: a line that was acknowledged a moment
// ago does not stand for an equal one in doubt.
func TestAcknowledgedTwinOfADoubtfulLine(t *testing.T) {
	s, d := doubtful(t)
	now := time.Now().UnixMilli()
	twin, other := []event{{1, now, "twin"}}, []event{{2, now, "twin"}}
	if _, err := s.conf.CloudWatch.put(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	d.settled(twin)
	d.add(other, time.Now())
	there, missing, err := d.sift(t.Context(), s.conf.CloudWatch, other)
	if err != nil || len(there) != 0 || len(missing) != 1 {
		t.Errorf("%d are there, %d missing, %v", len(there), len(missing), err)
	}
}
