// Package logship follows the TLS access log, keeps every line once in the
// store, and ships every line at least once to CloudWatch Logs. The store is
// the queue between the two halves: a stop, a crash or an outage of the service
// is a number of lines waiting, never a loss.
//
// It imports logship/follow, logship/cloudwatch, logship/store, logship/tally and
// internal/hint.
package logship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/follow"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// Config is one agent.
type Config struct {
	Logs       []string           // files to follow, at least one; they may not be there yet
	Store      *store.Store       // required; the caller limits it, and closes it after Run
	CloudWatch *cloudwatch.Client // nil: lines are kept here only

	Poll  time.Duration // how often files are looked at; 0 means 250 ms
	Quiet time.Duration // how long a rotated file must be silent to be closed; 0 means an hour
	Flush time.Duration // how long lines gather into a batch; 0 means 2 s
	Grace time.Duration // how long a stop may take to ship the rest; 0 means 5 s

	Retention time.Duration // how long lines are kept in the store; 0 means for ever

	// Once reads to the end of the files, ships, and returns.
	Once bool

	// Publish is given the counters at the start, when they changed (once a
	// second at most), at least every 30 seconds, and at the end; nil is fine.
	// Its error is logged.
	Publish func(tally.Stats) error

	Log *slog.Logger // required

	retryFirst, retryMost time.Duration // back-off; 0 means 500 ms and a minute
	blur                  time.Duration // of clocks; 0 means what cloudwatch.NewUnconfirmed says
}

// Run is the agent. It ends when ctx does, with nil; or before anything was
// read when c cannot work. Failures on the way (a full disk, a log that may not
// be read, the service away) are said once, counted, and tried again. With Once
// they are returned.
func Run(ctx context.Context, c Config) error {
	if len(c.Logs) == 0 {
		return hint.Wrap(errors.New("no log to follow"), `name one in [agent], logs = ["/var/log/apache2/tls.log"]`)
	}
	a, err := newAgent(ctx, withDefaults(c))
	if err != nil {
		return err
	}
	defer a.close()
	a.greet(ctx)
	if c.Once {
		return a.once(ctx)
	}
	a.forever(ctx)
	return nil
}

func withDefaults(c Config) Config {
	for _, d := range []struct {
		at    *time.Duration
		value time.Duration
	}{
		{&c.Poll, 250 * time.Millisecond},
		{&c.Quiet, time.Hour},
		{&c.Flush, 2 * time.Second},
		{&c.Grace, 5 * time.Second},
		{&c.retryFirst, 500 * time.Millisecond},
		{&c.retryMost, time.Minute},
	} {
		if *d.at == 0 {
			*d.at = d.value
		}
	}
	return c
}

type agent struct {
	Config
	tally     *tally.Tally
	followers []*follow.Follower
	shipper   *shipper // nil without CloudWatch
	unparsed  int64    // raw lines in the store at the start
	locked    bool     // when the lock was last looked at
	kept      store.Stats
	size      store.Size
}

func newAgent(ctx context.Context, c Config) (*agent, error) {
	a := &agent{Config: c, tally: tally.New(time.Now())}
	k := follow.NewSink(c.Store, c.CloudWatch != nil, a.tally)
	for _, path := range c.Logs {
		f, err := follow.New(ctx, path, c.Quiet, k, c.Log)
		if err != nil {
			return nil, err
		}
		a.followers = append(a.followers, f)
	}
	if c.CloudWatch != nil {
		a.shipper = &shipper{store: c.Store, cloud: c.CloudWatch, tally: a.tally, log: c.Log, now: time.Now,
			unconfirmed: cloudwatch.NewUnconfirmed(c.Log, c.blur), wake: make(chan struct{}, 1), flush: c.Flush, first: c.retryFirst, most: c.retryMost, limit: firstPending}
	}
	st, err := c.Store.Stats(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the state of the store: %w", err)
	}
	a.unparsed, a.kept = st.Unparsed, st
	return a, nil
}

func (a *agent) close() {
	for _, f := range a.followers {
		f.Close()
	}
}

// greet says where lines go, and what hinders that already now.
func (a *agent) greet(ctx context.Context) {
	if a.CloudWatch == nil {
		a.Log.Info("no [cloudwatch] group is configured: lines are kept on this host only")
		return
	}
	if a.Once {
		return // what hinders it is the answer
	}
	if err := a.CloudWatch.Check(ctx); err != nil && ctx.Err() == nil {
		tally.Warn(a.Log, "lines are kept here until they can be shipped", err)
	}
}

// once reads and ships what there is.
func (a *agent) once(ctx context.Context) error {
	for (a.turn(ctx) || a.makeRoom(ctx)) && ctx.Err() == nil {
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	err := a.tally.FirstTrouble()
	if err == nil && a.tally.Awaits() {
		err = hint.Wrap(fmt.Errorf("reading %s: %w", strings.Join(a.Logs, ", "), follow.ErrAwaited),
			"Apache makes it with the first request; tlskeeper apache apply --log-only installs it")
	}
	if a.shipper != nil {
		err = errors.Join(err, a.shipper.attempts(ctx))
	}
	a.publish(ctx)
	return err
}

// turn lets every follower look once.
func (a *agent) turn(ctx context.Context) (more bool) {
	before := a.tally.Lines()
	var files []tally.File
	for _, f := range a.followers {
		if f.Turn(ctx) {
			more = true
		}
		files = append(files, f.Files()...)
	}
	a.tally.Turn(files, time.Now())
	if a.shipper != nil && a.tally.Lines() > before {
		select {
		case a.shipper.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return more
}

// forever runs the parts until ctx ends. The follower stops first; then the
// shipper sends what is left, as long as Grace allows.
func (a *agent) forever(ctx context.Context) {
	var parts sync.WaitGroup
	if a.shipper != nil {
		parts.Go(func() { a.shipper.run(ctx, a.Grace) })
	}
	parts.Go(func() { a.maintain(ctx) })
	parts.Go(func() { a.keepRoom(ctx) })
	for ctx.Err() == nil {
		if !a.turn(ctx) {
			pause(ctx, a.Poll)
		}
	}
	parts.Wait()
	a.publish(context.WithoutCancel(ctx))
}
