package cloudwatch

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/logship/logshiptest"
)

var quiet = slog.New(slog.DiscardHandler)

// stream is one of the service's double, and what may be in it.
type stream struct {
	cloud       *logshiptest.Server
	client      *Client
	unconfirmed *Unconfirmed
}

func newStream(t *testing.T) stream {
	t.Helper()
	s := stream{cloud: logshiptest.New(t), unconfirmed: NewUnconfirmed(quiet, time.Minute)}
	client, err := New(t.Context(), Config{Group: "/tls", Stream: "host", Endpoint: s.cloud.URL, Log: quiet})
	if err == nil {
		err = client.create(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.client, s.unconfirmed.started = client, time.Now().Add(-time.Hour)
	return s
}

// Two requests of one second in two logs are equal in every byte. One of them in
// the stream is one, not both.
func TestTwinsInADoubtfulBatch(t *testing.T) {
	s := newStream(t)
	u := s.unconfirmed
	now := time.Now().UnixMilli()
	twins := []Event{{1, now, "twin"}, {2, now, "twin"}}
	u.Add(twins, time.Now())
	if _, err := s.client.Put(t.Context(), twins[:1]); err != nil {
		t.Fatal(err)
	}
	there, missing, err := u.AlreadyThere(t.Context(), s.client, twins)
	if err != nil || len(there) != 1 || len(missing) != 1 {
		t.Errorf("%d are there, %d missing, %v; want one of each", len(there), len(missing), err)
	}
}

// The stream is read to its end, over as many pages as it takes.
func TestDoubtfulBatchOnTheSecondPage(t *testing.T) {
	s := newStream(t)
	u := s.unconfirmed
	now := time.Now().UnixMilli()
	var batches [2][]Event
	for i := range 12_000 {
		batches[i/6000] = append(batches[i/6000], Event{int64(i), now + int64(i), fmt.Sprint("line ", i)})
	}
	whole := append(append([]Event{}, batches[0]...), batches[1]...)
	u.Add(whole, time.Now())
	for _, batch := range batches {
		if _, err := s.client.Put(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	there, missing, err := u.AlreadyThere(t.Context(), s.client, whole)
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
		u := NewUnconfirmed(quiet, time.Nanosecond)
		time.Sleep(time.Second)
		settle := func(id int64) { u.Settled([]Event{{id, id, "x"}}) }
		settle(1)
		time.Sleep(2 * clockBlur) // one on each side
		settle(2)
		if len(u.acked) != 2 {
			t.Errorf("%d acknowledgements of the last moments, want 2", len(u.acked))
		}
		u.Add([]Event{{3, 3, "x"}}, time.Now())
		time.Sleep(10 * ackedFor)
		settle(4)
		if len(u.acked) != 3 {
			t.Errorf("%d acknowledgements while a line is in doubt, want 3", len(u.acked))
		}
		settle(3)
		if len(u.acked) != 2 {
			t.Errorf("%d acknowledgements when nothing is in doubt, want 2", len(u.acked))
		}
	})
}

// The same as of the service's answers: a line that was acknowledged a moment
// ago does not stand for an equal one in doubt.
func TestAcknowledgedTwinOfADoubtfulLine(t *testing.T) {
	s := newStream(t)
	u := s.unconfirmed
	now := time.Now().UnixMilli()
	twin, other := []Event{{1, now, "twin"}}, []Event{{2, now, "twin"}}
	if _, err := s.client.Put(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	u.Settled(twin)
	u.Add(other, time.Now())
	there, missing, err := u.AlreadyThere(t.Context(), s.client, other)
	if err != nil || len(there) != 0 || len(missing) != 1 {
		t.Errorf("%d are there, %d missing, %v", len(there), len(missing), err)
	}
}
