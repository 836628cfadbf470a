package acme

import (
	"time"
)

// endpointFor chooses the CA for a certificate: the first one, and the next
// after cfg.FailoverAfter failures in a row, or after each failure once the
// time gets short. A CA whose pause ends too late is passed over.
func (c *Client) endpointFor(name string, state State, now time.Time) *endpoint {
	latest := now // that a pause may end at; nothing to wait for where nothing was issued
	short := false
	if g, err := c.store.Latest(name); err == nil {
		latest = g.Leaf.NotAfter.Add(-lastReserve(g.Leaf))
		short = now.After(latest)
	}
	begin := state.Failures / c.cfg.FailoverAfter
	if short {
		begin = state.Failures
	}
	for i := range c.endpoints {
		to := c.endpoints[(begin+i)%len(c.endpoints)]
		if until := c.pauseOf(state, to); !until.After(now) || until.Before(latest) {
			return to
		}
	}
	return c.endpoints[begin%len(c.endpoints)]
}

// pauseOf is the end of the pause that a CA asked for, for everybody or for
// this certificate; zero where there is none.
func (c *Client) pauseOf(state State, to *endpoint) time.Time {
	until := to.pausedUntil()
	if state.RetryAfterOf == to.ca.Directory && state.RetryAfter.After(until) {
		until = state.RetryAfter
	}
	return until
}
