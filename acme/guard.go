package acme

import (
	"context"
	"crypto"
	"errors"
	"slices"
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
	"tlskeeper/internal/child"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
	"tlskeeper/internal/term"
)

// mayIssue asks the back-off and the guard. An order in hand was allowed when
// it began.
func (c *Client) mayIssue(w checkedRequest, to *endpoint, state store.State, o IssueOptions) error {
	now := time.Now()
	if until := to.pauseFor(state); until.Sub(now) > patience {
		return &BackoffError{Until: until, Why: to.ca.Name + " asked for a pause: " + state.LastError}
	}
	if now.Before(state.NotBefore) && !o.Force && !o.Attended {
		return &BackoffError{Until: state.NotBefore, Why: "the last try failed: " + state.LastError}
	}
	if o.Force || o.Urgent {
		return nil
	}
	j, err := openJournal(c.store, w.Name)
	if err != nil {
		return err
	}
	if j != nil && j.fits(w, to.ca.Directory) {
		return nil
	}
	return c.guard(w.names, to.ca)
}

// guard refuses a second issuance for the same names within guardPeriod, and
// a fourth within guardWeek unless the last is old by its own lifetime,
// whatever the certificates are called, and whether they are there still. What
// was issued under a name whose served one is revoked does not count, nor does
// what was refused on arrival, which is not in the store.
func (c *Client) guard(names []string, ca CA) error {
	issued, err := c.store.History()
	if err != nil {
		c.cfg.Log.Warn("the guard could not read every certificate", "err", err)
	}
	refusal, early, newest := &GuardError{CA: ca.Name}, false, store.Issuance{}
	for _, i := range issued {
		if i.Directory != ca.Directory || !store.SameNames(i.Names, names) {
			continue
		}
		refusal.Count++
		early = early || time.Since(i.At) < i.Period()
		if i.At.After(newest.At) {
			newest = i
		}
	}
	refusal.Issued = newest.At
	if early || refusal.Count >= guardMost && !newest.OfAge() {
		return refusal
	}
	return nil
}

// record notes how an attempt ended. An attempt that was interrupted says
// nothing about the next.
func (c *Client) record(ctx context.Context, name string, to *endpoint, failure error) error {
	if failure != nil && (ctx.Err() != nil || errors.Is(failure, context.Canceled)) {
		return nil
	}
	if _, ok := errors.AsType[*TermsError](failure); ok {
		return nil
	}
	now := time.Now().UTC()
	var remaining time.Duration
	if g, err := c.store.Serving(name); err == nil {
		remaining = g.Leaf.NotAfter.Sub(now)
	}
	return c.store.Change(name, func(s *store.State) {
		if failure == nil {
			s.Succeeded(to.ca.Directory)
			return
		}
		s.Failures++
		s.LastError, s.LastErrorAt = term.Bound(child.Terse(failure)), now
		s.NotBefore = now.Add(schedule.Backoff(s.Failures, remaining))
		if backoff, ok := errors.AsType[*BackoffError](failure); ok {
			if s.Pauses == nil {
				s.Pauses = map[string]time.Time{}
			}
			s.Pauses[to.ca.Directory] = backoff.Until.UTC()
		}
	})
}

// chooseKey makes a new key, or takes the former generation's where that was
// asked for, is of the right kind and was not revoked.
func (c *Client) chooseKey(w checkedRequest, former store.Generation) (crypto.Signer, error) {
	if !w.ReuseKey || former.Number == 0 || former.Meta.KeyType != string(w.KeyType) || former.KeyFile() == "" {
		return newKey(w.KeyType)
	}
	state, err := c.store.State(w.Name)
	if err != nil {
		return nil, err
	}
	if slices.Contains(state.Revoked, former.Number) {
		return newKey(w.KeyType)
	}
	data, err := safepath.ReadFile(former.KeyFile())
	if err != nil {
		return nil, err
	}
	return leaf.ParseKey(data)
}
