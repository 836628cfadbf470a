package store

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// fill appends lines of 8 KB until the database is full, and shrinks it where asked.
func fill(t *testing.T, s *Store, f *File, batches int, ship, shrink bool) (full error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	for range batches {
		if shrink {
			if _, err := s.Shrink(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := more(t.Context(), s, f, agents(noon, 100, 8000, rng), ship); err != nil {
			return err
		}
		size, err := s.Size(t.Context())
		if err != nil || size.Pages > size.Most+5<<20 {
			t.Fatalf("%+v, %v", size, err)
		}
	}
	return nil
}

// Clients that send another user agent of 8 KB each time, all of them in one day.
func TestOneDayThatIsLargerThanTheDatabaseMayBe(t *testing.T) {
	const most = 32 << 20
	s, f := openTemp(t, Options{}), newFile("x")
	if err := s.Limit(most); err != nil {
		t.Fatal(err)
	}
	if err := fill(t, s, f, 30, false, true); err != nil { // 24 MB of lines, 48 MB with their index
		t.Fatal(err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Rows < 500 || st.Rows >= 3000 {
		t.Errorf("%+v, %v", st, err)
	}
	if last := count(t, s, "SELECT count(*) FROM request WHERE id = (SELECT next_id - 1 FROM state)"); last != 1 {
		t.Error("the last line was deleted, and not the first")
	}
	if info, err := os.Stat(s.path); err != nil || info.Size() > most {
		t.Errorf("a file of %d bytes, %v", info.Size(), err)
	}
	if n := count(t, s, "SELECT count(*) FROM agent"); n != st.Rows {
		t.Errorf("%d user agents of %d requests", n, st.Rows)
	}
	checkRollups(t, s)
}

// What waits to be shipped is never deleted: the database is full, says so, and
// goes on when the lines have been shipped.
func TestOnlyLinesThatWaitAreLeft(t *testing.T) {
	s, f := openTemp(t, Options{}), newFile("x")
	if err := s.Limit(16 << 20); err != nil {
		t.Fatal(err)
	}
	err := fill(t, s, f, 100, true, true)
	if !errors.As(err, new(*FullError)) {
		t.Fatalf("full: %v", err)
	}
	at := f.Offset
	st, _ := s.Stats(t.Context())
	if st.Pending != st.Rows || st.Rows != count(t, s, "SELECT next_id - 1 FROM state") {
		t.Errorf("lines were deleted: %+v", st)
	}
	if n, err := s.Shrink(t.Context()); n != 0 || err != nil || f.Offset != at {
		t.Errorf("%d lines deleted, %v", n, err)
	}
	events, err := s.Pending(t.Context(), 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	if err := s.MarkShipped(t.Context(), ids, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Shrink(t.Context()); n == 0 || n > 500 || err != nil {
		t.Errorf("%d lines deleted, %v, want some of the 500 that were shipped", n, err)
	}
	if after, _ := s.Stats(t.Context()); after.Pending != st.Pending-500 {
		t.Errorf("%+v: %d lines waited", after, st.Pending-500)
	}
	if err := fill(t, s, f, 1, true, true); err != nil {
		t.Error(err)
	}
	checkRollups(t, s)
}

// Of several days the oldest goes first, and the others stay whole.
func TestTheOldestDayGoesFirst(t *testing.T) {
	s, f := openTemp(t, Options{}), newFile("x")
	rng := rand.New(rand.NewPCG(5, 6))
	for _, d := range []int{2, 0, 1} { // imports come in any order
		text := agents(noon.AddDate(0, 0, d), 1000, 4000, rng) + "of no format\n"
		if err := more(t.Context(), s, f, text, false); err != nil {
			t.Fatal(err)
		}
	}
	size, err := s.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Limit(size.Pages + maxWAL); err != nil { // no room in it
		t.Fatal(err)
	}
	s.bounds.pages = size.Pages
	n, err := s.Shrink(t.Context())
	if err != nil || n == 0 || n > 1000 {
		t.Errorf("%d lines deleted, %v", n, err)
	}
	for d, want := range map[int]int64{1: 1000, 2: 1000} {
		day := noon.AddDate(0, 0, d).Unix() / secondsPerDay
		if got, _ := s.one("SELECT n FROM day_rows WHERE day = ?", day); got != want {
			t.Errorf("day %d has %d lines", d, got)
		}
	}
	after, err := s.Size(t.Context())
	if err != nil || after.Pages > size.Pages*9/10 {
		t.Errorf("%d bytes after %d, %v", after.Pages, size.Pages, err)
	}
	if n := count(t, s, "SELECT count(*) FROM raw"); n != 2 {
		t.Errorf("%d lines of no format", n)
	}
	checkRollups(t, s)
}

// A database without a limit only grows.
func TestWithoutALimitNothingIsDeleted(t *testing.T) {
	s, f := openTemp(t, Options{}), newFile("x")
	if err := s.Limit(0); err != nil {
		t.Fatal(err)
	}
	if err := fill(t, s, f, 3, false, false); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Shrink(t.Context()); n != 0 || err != nil {
		t.Error(n, err)
	}
	if n, err := s.Prune(t.Context(), noon.Add(-24*time.Hour)); n != 0 || err != nil {
		t.Error(n, err)
	}
}
