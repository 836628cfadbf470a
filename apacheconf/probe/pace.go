package probe

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Pace is how fast a scan asks and how long it waits. Zero values are
// replaced: 16 connections at once, defaultTimeout for each, half a second
// between two once the server has fallen silent, a minute for the whole scan.
type Pace struct {
	// Parallel is how many connections are held at once: enough to hide the
	// round trips, few enough for a server of a few workers.
	Parallel int
	// Timeout bounds one connection. A server that has fallen silent has twice
	// as long when it is asked again.
	Timeout time.Duration
	// Pause is the time between two connections to a server that has fallen
	// silent.
	Pause time.Duration
	// Limit bounds the whole scan; what is open then stays unknown.
	Limit time.Duration
	// Slow asks from the start as if the server had fallen silent: one
	// connection at a time, a Pause between two.
	Slow bool
}

// SlowPace is for a server behind something that counts connections: one a
// second, for ten minutes at most.
func SlowPace() Pace {
	return Pace{Timeout: defaultTimeout, Pause: time.Second, Limit: 10 * time.Minute, Slow: true}
}

func (p Pace) filled() Pace {
	p.Parallel = cmp.Or(p.Parallel, 16)
	p.Timeout = cmp.Or(p.Timeout, defaultTimeout)
	p.Pause = cmp.Or(p.Pause, 500*time.Millisecond)
	p.Limit = cmp.Or(p.Limit, time.Minute)
	return p
}

// pacer spaces out the connections of one scan and bounds each of them. A nil
// one does neither.
type pacer struct {
	mu      sync.Mutex
	timeout time.Duration
	gap     time.Duration
	next    time.Time // when the next connection may begin
}

// slow makes pauses of gap from now on, and waits twice as long for answers.
func (p *pacer) slow(gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gap == 0 {
		p.gap, p.timeout, p.next = gap, 2*p.timeout, time.Now().Add(gap)
	}
}

func (p *pacer) isSlow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gap > 0
}

// begin waits for the turn of a connection and gives it its deadline.
func (p *pacer) begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if p == nil {
		ctx, cancel := withDeadline(ctx)
		return ctx, cancel, nil
	}
	p.mu.Lock()
	wait, timeout := time.Until(p.next), p.timeout
	p.next = time.Now().Add(max(wait, 0) + p.gap)
	p.mu.Unlock()
	if err := pause(ctx, wait); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, cancel, nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
