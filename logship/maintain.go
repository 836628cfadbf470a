package logship

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

const (
	heartbeat    = 30 * time.Second // longest time between two Publish
	publishEvery = time.Second      // shortest
	// publishShare bounds what publishing costs: with a backlog of millions of
	// lines their count alone takes a while.
	publishShare = 20
	pruneEvery   = 24 * time.Hour
	// stalled is how long a turn of the follower may take before the agent no
	// longer calls itself alive: a disk that hangs, and not a long backlog, of
	// which a turn takes 16 MiB a file.
	stalled = 2 * time.Minute
)

// maintain tells systemd and the state file how the agent is.
func (a *agent) maintain(ctx context.Context) {
	beat := watchdogEvery()
	tick := time.NewTicker(min(publishEvery, beat))
	defer tick.Stop()
	p := publisher{agent: a, beat: beat}
	p.look(ctx)
	notify(daemon.SdNotifyReady)
	var alive time.Time
	for ctx.Err() == nil {
		now := time.Now()
		a.watchLock()
		p.look(ctx)
		if now.Sub(alive) >= beat && now.Sub(a.tally.LastTurn()) < stalled {
			notify(daemon.SdNotifyWatchdog)
			alive = now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	notify(daemon.SdNotifyStopping)
}

// publisher hands out what changed, and at every beat.
type publisher struct {
	agent *agent
	beat  time.Duration
	said  int64         // the tally's changes that are published
	at    time.Time     // of the last time
	rest  time.Duration // until the next time at least
}

func (p *publisher) look(ctx context.Context) {
	began, changes := time.Now(), p.agent.tally.Changes()
	since := began.Sub(p.at)
	if since < p.rest || since < p.beat && changes == p.said {
		return
	}
	p.agent.publish(ctx)
	p.said, p.at = changes, began
	p.rest = max(min(publishEvery, p.beat), publishShare*time.Since(began))
}

// watchdogEvery is half of what systemd allows, or the heartbeat.
func watchdogEvery() time.Duration {
	allowed, err := daemon.SdWatchdogEnabled(false)
	if err != nil || allowed == 0 {
		return heartbeat
	}
	return min(allowed/2, heartbeat)
}

// notify is silent where systemd did not start us; an error there changes
// nothing that we could do.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

func (a *agent) prune(ctx context.Context) {
	if a.Retention == 0 {
		return
	}
	n, err := a.Store.Prune(ctx, time.Now().Add(-a.Retention))
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.tally.Failed("prune", err.Error(), err, time.Now())
		a.Log.Warn("deleting old lines", "err", err)
		return
	}
	a.tally.Cleared("prune")
	if n > 0 {
		a.Log.Info("deleted old lines", "lines", n, "older_than", a.Retention.String())
	}
}

// publish hands out the counters, completed from the store.
func (a *agent) publish(ctx context.Context) {
	st := a.tally.Snapshot()
	a.measure(ctx)
	st.Backlog, st.Size = a.kept.Pending, a.size
	st.Unparsed = max(0, a.kept.Unparsed-a.unparsed) // pruning takes some away
	notify(fmt.Sprintf("STATUS=%d lines stored, %d shipped, %d waiting", st.Lines, st.Shipped, st.Backlog))
	if a.Publish == nil {
		return
	}
	if err := a.Publish(st); err != nil && a.tally.Failed("publish", err.Error(), err, time.Now()) {
		a.Log.Warn("writing the agent's state", "err", err)
	} else if err == nil {
		a.tally.Cleared("publish")
	}
}

// measure asks the store, but for when others keep it from writing: that is to be
// told at once, and to ask would have to wait for each attempt.
func (a *agent) measure(ctx context.Context) {
	if since, _ := a.Store.Blocked(); !since.IsZero() {
		return
	}
	if kept, err := a.Store.Stats(ctx); err == nil {
		a.kept = kept
	}
	if size, err := a.Store.Size(ctx); err == nil {
		a.size = size
	}
}
