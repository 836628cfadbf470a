package logship

import (
	"context"
	"time"

	"tlskeeper/logship/tally"
)

// keepRoom deletes what is too old and what is too much, until ctx ends. It has a
// goroutine of its own, because it may take longer than signs of life may.
func (a *agent) keepRoom(ctx context.Context) {
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	var pruned time.Time
	for ctx.Err() == nil {
		if now := time.Now(); now.Sub(pruned) >= pruneEvery {
			a.prune(ctx)
			pruned = now
		}
		a.makeRoom(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// roomEvery is how often the room is looked at; Append stops by itself at the limit.
const roomEvery = time.Second

// makeRoom deletes the oldest lines of a database that is nearly as large as it
// may be, and tells whether it did. It also lets the store empty a write-ahead log
// that is too long, while no line comes that would.
func (a *agent) makeRoom(ctx context.Context) (made bool) {
	n, err := a.Store.Shrink(ctx)
	if err == nil {
		err = a.Store.RoomToNote(ctx)
	}
	if ctx.Err() != nil {
		return false
	}
	if n > 0 {
		a.tally.Pruned(n)
		a.Log.Warn("deleted the oldest lines: the database has nearly reached max_size", "lines", n)
	}
	if err != nil {
		if a.tally.Failed("room", err.Error(), err, time.Now()) {
			tally.Warn(a.Log, "making room in the database", err)
		}
		return false
	}
	a.tally.Cleared("room")
	return n > 0
}

// watchLock tells of a write that waits for another process, which it may do for
// a minute before it is an error.
func (a *agent) watchLock() {
	since, by := a.Store.Blocked()
	if !since.IsZero() {
		a.tally.Paused(since, "the database is locked by "+by)
	} else if a.locked {
		a.tally.Resumed()
	}
	a.locked = !since.IsZero()
}
