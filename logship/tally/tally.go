// Package tally counts what an agent does and remembers what hinders it, for its
// parts to add to and for status to be told.
//
// It imports logship/lines, logship/store and internal/hint.
package tally

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
	Files       []File
}

// File is one open file.
type File struct {
	Path   string
	Offset int64 // stored up to here
	Size   int64
}

// Tally is Stats shared by the goroutines of an agent.
type Tally struct {
	mu sync.Mutex
	st Stats
	// trouble holds the last error of each part of the agent.
	trouble map[string]trouble
	turned  time.Time // when the follower last came round
	changes int64     // how often st changed
}

// New begins to count now.
func New(now time.Time) *Tally {
	return &Tally{st: Stats{Started: now}, trouble: map[string]trouble{}}
}

// Stored counts lines of a file that are in the store.
func (t *Tally) Stored(lines int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Lines += int64(lines)
	t.st.LastLine = now
	t.st.PausedSince, t.st.PausedWhy = time.Time{}, ""
}

// Paused notes that storing has stopped, at the first time that it is told.
func (t *Tally) Paused(since time.Time, why string) {
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

// Resumed takes back that storing has stopped.
func (t *Tally) Resumed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.PausedSince, t.st.PausedWhy = time.Time{}, ""
}

// Pruned counts lines that were deleted to keep the database below its limit.
func (t *Tally) Pruned(lines int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Pruned += lines
}

// Damaged counts what was not kept as it was.
func (t *Tally) Damaged(d lines.Damage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes++
	t.st.Cut += d.Cut
	t.st.Holes += d.Holes
}

// Shipped counts what the service answered for.
func (t *Tally) Shipped(accepted, rejected int, now time.Time) {
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

// Awaited is the state of a log that is not there, which is not a failure.
const Awaited = "awaited"

// Failed notes the error of one part. It tells whether that is news, so that a
// failure is said once and not at every turn.
func (t *Tally) Failed(part, kind string, err error, now time.Time) (news bool) {
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

// Cleared takes back the error of one part, and tells whether there was one.
func (t *Tally) Cleared(part string) (had bool) {
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

// Turn notes that the followers came round, and what they have open.
func (t *Tally) Turn(files []File, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Equal(t.st.Files, files) {
		t.changes++
	}
	t.st.Files, t.turned = files, now
}

// Awaits tells whether a log is not there.
func (t *Tally) Awaits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.trouble {
		if tr.kind == Awaited {
			return true
		}
	}
	return false
}

// Changes counts what changed, for who publishes it.
func (t *Tally) Changes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changes
}

// Lines counts those stored.
func (t *Tally) Lines() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.st.Lines
}

// FirstTrouble is an error that stands, nil when there is none.
func (t *Tally) FirstTrouble() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(t.trouble)) {
		if err := t.trouble[part].err; err != nil {
			return err
		}
	}
	return nil
}

// LastTurn is when the followers last came round.
func (t *Tally) LastTurn() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.turned
}

// Snapshot is what is known now.
func (t *Tally) Snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.st
}

// Warn logs err with its hint, if it has one.
func Warn(log *slog.Logger, msg string, err error, args ...any) {
	if h := hint.Of(err); h != "" {
		args = append(args, "hint", h)
	}
	log.Warn(msg, append(args, "err", err)...)
}
