package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store/storetest"
)

// agents writes n lines at the times from on, each with a user agent of its own
// of length bytes.
func agents(from time.Time, n, length int, rng *rand.Rand) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s,192.0.2.1,HTTP/1.1,www.example.org,TLSv1.3,TLS_AES_256_GCM_SHA384,\"%016x%s\"\n",
			from.Add(time.Duration(i)*time.Millisecond).Format("[02/Jan/2006:15:04:05 -0700]"),
			rng.Uint64(), strings.Repeat("x", length-16))
	}
	return b.String()
}

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// more appends text behind what f has.
func more(ctx context.Context, s *Store, f *File, text string, ship bool) error {
	lines, end := content(text)
	for i := range lines {
		lines[i].Offset += f.Offset
	}
	return s.Append(ctx, f, lines, f.Offset+end, ship)
}

// A reader that never ends does not let the write-ahead log grow without bound:
// what is beyond is not stored, and is when the reader has gone.
func TestAReaderThatDoesNotEnd(t *testing.T) {
	const most = 16 << 20
	s, f := openTemp(t, Options{}), newFile("x")
	if err := s.Limit(4 * most); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	if err := more(t.Context(), s, f, agents(noon, 100, 500, rng), true); err != nil {
		t.Fatal(err)
	}
	pid, end := storetest.Read(t, s.path)
	var err error
	n := 0
	for ; err == nil && n < 40; n++ {
		err = more(t.Context(), s, f, agents(noon, 1000, 500, rng), true)
	}
	held, ok := errors.AsType[*HeldError](err)
	if !ok || !strings.Contains(held.By, fmt.Sprint("process ", pid)) || hint.Of(err) == "" {
		t.Fatalf("after %d batches: %v", n, err)
	}
	info, statErr := os.Stat(s.path + "-wal")
	if statErr != nil || info.Size() > 2*most {
		t.Errorf("%d bytes of write-ahead log, %v", info.Size(), statErr)
	}
	if err := s.MarkShipped(t.Context(), []int64{1}, nil); !ok || errors.As(err, &held) == false {
		t.Errorf("taken from the queue: %v", err)
	}
	end()
	if err := more(t.Context(), s, f, agents(noon, 1000, 500, rng), true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.path + "-wal"); err != nil || info.Size() > most {
		t.Errorf("%d bytes of write-ahead log afterwards, %v", info.Size(), err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Rows != int64(100+1000*n) {
		t.Errorf("%+v after %d batches, %v", st, n, err)
	}
	checkRollups(t, s)
}

// Who may only read the file may hold the lock of the writer, too.
func TestTheWriteLockIsHeldByAnother(t *testing.T) {
	s, f := openTemp(t, Options{}), newFile("x")
	appendText(t, s, f, requests(10), true)
	pid, end := storetest.Lock(t, s.path)
	done := make(chan error, 1)
	go func() { done <- more(t.Context(), s, f, requests(10), true) }()
	waitUntil(t, "a word about it", func() bool { since, _ := s.Blocked(); return !since.IsZero() })
	if _, by := s.Blocked(); !strings.Contains(by, fmt.Sprintf("process %d (", pid)) {
		t.Errorf("blocked by %s, want process %d", by, pid)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Rows != 10 {
		t.Errorf("reading meanwhile: %+v, %v", st, err)
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if since, by := s.Blocked(); !since.IsZero() || by != "" {
		t.Errorf("still blocked since %s by %s", since, by)
	}
}

func TestLocksAreFoundInTheKernelsList(t *testing.T) {
	list := fmt.Sprintf(`1: POSIX  ADVISORY  READ %d 08:01:99 120 120
2: POSIX  ADVISORY  READ 41 08:01:98 120 120
3: OFDLCK ADVISORY  READ -1 08:01:97 120 120
4: POSIX  ADVISORY  READ 42 08:01:99 121 127
4: -> POSIX  ADVISORY  WRITE 43 08:01:99 120 120
5: POSIX  ADVISORY  READ 44 08:01:96 0 EOF
`, os.Getpid())
	for _, c := range []struct {
		file string
		of   lockRange
		want int
	}{
		{"08:01:99", writerLock, 0}, {"08:01:99", readerLocks, 42}, {"08:01:98", writerLock, 41},
		{"08:01:97", writerLock, -1}, {"08:01:96", writerLock, 44}, {"08:01:1", writerLock, 0},
	} {
		if got := lockedBy(strings.NewReader(list), c.file, c.of); got != c.want {
			t.Errorf("%s %v: %d, want %d", c.file, c.of, got, c.want)
		}
	}
}

func waitUntil(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after 30 s", what)
		}
	}
}
