package logship

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/lines"
	"tlskeeper/logship/store"
)

// Stats are what an agent knows of itself. Counts are since its start.
type Stats struct {
	Started  time.Time
	Lines    int64 // stored
	Unparsed int64 // of these, not in the format of the log: kept raw
	Cut      int64 // lines over 1 MiB, of which the beginning was kept
	Holes    int64 // NUL bytes skipped at the beginning of lines
	Shipped  int64 // events that CloudWatch accepted
	Rejected int64 // events that CloudWatch refused for good
	Backlog  int64 // lines stored and not shipped
	LastLine time.Time
	LastShip time.Time
	// LastError is the last failure, "" after a success of the same kind.
	LastError   string
	LastErrorAt time.Time
	// PausedSince is when storing stopped, and PausedWhy what stops it; zero and
	// "" while it goes on. What is not stored waits in the files.
	PausedSince time.Time
	PausedWhy   string
	Size        store.Size // of the database
	Pruned      int64      // lines deleted to keep it below its limit
	Files       []FileStats
}

// FileStats is one open file.
type FileStats struct {
	Path   string
	Offset int64 // stored up to here
	Size   int64
}

// tally is Stats shared by the goroutines of an agent.
type tally struct {
	mu sync.Mutex
	st Stats
	// trouble holds the last error of each part of the agent.
	trouble map[string]trouble
	turned  time.Time // when the follower last came round
	changes int64     // how often st changed
}

func newTally(now time.Time) *tally {
	return &tally{st: Stats{Started: now}, trouble: map[string]trouble{}}
}

func (t *tally) stored(lines int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Lines += int64(lines)
	t.st.LastLine = now
	t.st.PausedSince, t.st.PausedWhy = time.Time{}, ""
}

// paused notes that storing has stopped, at the first time that it is told.
func (t *tally) paused(since time.Time, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.st.PausedSince.IsZero() {
		t.st.PausedSince = since
	} else if t.st.PausedWhy == why {
		return
	}
	t.changes++
	t.st.PausedWhy = why
}

// resumed takes back that storing has stopped.
func (t *tally) resumed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.PausedSince, t.st.PausedWhy = time.Time{}, ""
}

func (t *tally) pruned(lines int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Pruned += lines
}

func (t *tally) damaged(d lines.Damage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Cut += d.Cut
	t.st.Holes += d.Holes
}

func (t *tally) shipped(accepted, rejected int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Shipped += int64(accepted)
	t.st.Rejected += int64(rejected)
	t.st.LastShip = now
}

// trouble is an error that stands. Errors of one kind are one and the same,
// though their text differs each time (by request id or port).
type trouble struct {
	kind string
	err  error
}

// kindAwaited is the state of a log that is not there, which is no failure.
const kindAwaited = "awaited"

// failed notes the error of one part. It tells whether that is news, so that a
// failure is said once and not at every turn.
func (t *tally) failed(part, kind string, err error, now time.Time) (news bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	news = t.trouble[part].kind != kind
	if news {
		t.changes++
	}
	t.trouble[part] = trouble{kind, err}
	if err != nil {
		t.st.LastError, t.st.LastErrorAt = err.Error(), now
	}
	return news
}

// cleared takes back the error of one part, and tells whether there was one.
func (t *tally) cleared(part string) (had bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, had = t.trouble[part]
	if !had {
		return false
	}
	t.changes++
	delete(t.trouble, part)
	t.st.LastError = ""
	for _, other := range t.trouble {
		if other.err != nil {
			t.st.LastError = other.err.Error()
		}
	}
	return true
}

func (t *tally) turn(files []FileStats, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Equal(t.st.Files, files) {
		t.changes++
	}
	t.st.Files, t.turned = files, now
}

// awaits tells whether a log is not there.
func (t *tally) awaits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.trouble {
		if tr.kind == kindAwaited {
			return true
		}
	}
	return false
}

func (t *tally) changed() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changes
}

func (t *tally) lines() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.st.Lines
}

// firstTrouble is an error that stands, nil when there is none.
func (t *tally) firstTrouble() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(t.trouble)) {
		if err := t.trouble[part].err; err != nil {
			return err
		}
	}
	return nil
}

func (t *tally) lastTurn() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.turned
}

func (t *tally) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.st
}

// warn logs err with its hint, if it has one.
func warn(log *slog.Logger, msg string, err error, args ...any) {
	if h := hint.Of(err); h != "" {
		args = append(args, "hint", h)
	}
	log.Warn(msg, append(args, "err", err)...)
}
