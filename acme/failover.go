package acme

import (
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
)

// endpointFor chooses the CA for a certificate: the first one, and the next
// after cfg.FailoverAfter failures in a row, or after each failure once the
// time gets short. A CA whose pause ends too late is passed over; where that
// is each one, it is the CA whose pause ends first.
func (c *Client) endpointFor(name string, state store.State, now time.Time) *endpoint {
	latest := now // that a pause may end at; nothing to wait for where nothing was issued
	short := false
	if g, err := c.store.Serving(name); err == nil {
		latest = g.Leaf.NotAfter.Add(-schedule.LastReserve(g.Leaf))
		short = now.After(latest)
	}
	soonest := (*endpoint)(nil)
	begin := state.Failures / c.cfg.FailoverAfter
	if short {
		begin = state.Failures
	}
	for i := range c.endpoints {
		to := c.endpoints[(begin+i)%len(c.endpoints)]
		until := to.pauseFor(state)
		if until.Sub(now) <= patience || until.Before(latest) {
			return to
		}
		if soonest == nil || until.Before(soonest.pauseFor(state)) {
			soonest = to
		}
	}
	return soonest
}

// pauseFor is the end of the pause that a CA asked for, for everybody or for
// this certificate; zero where there is none.
func (e *endpoint) pauseFor(state store.State) time.Time {
	until := e.pausedUntil()
	if own := state.Pauses[e.ca.Directory]; own.After(until) {
		return own
	}
	return until
}
