package acme

import (
	"context"
	"crypto"
	"errors"
	"os"
	"slices"
	"time"

	"tlskeeper/internal/leaf"
)

// mayIssue asks the back-off and the guard. An order in hand was allowed when
// it began.
func (c *Client) mayIssue(w work, to *endpoint, state State, o IssueOptions) error {
	now := time.Now()
	if now.Before(state.RetryAfter) {
		return &BackoffError{Until: state.RetryAfter, Why: "the CA asked for a pause: " + state.LastError}
	}
	if now.Before(state.NotBefore) && !o.Force && !o.Attended {
		return &BackoffError{Until: state.NotBefore, Why: "the last try failed: " + state.LastError}
	}
	if o.Force || o.Urgent {
		return nil
	}
	j, err := c.store.openJournal(w.Name)
	if err != nil {
		return err
	}
	if j != nil && j.fits(w, to.ca.Directory) {
		return nil
	}
	return c.guard(w.names, to.ca)
}

// guard refuses a second issuance for the same names within guardPeriod,
// whatever the certificate is called. Revoked ones do not count, nor does what
// was refused on arrival, which is not in the store.
func (c *Client) guard(names []string, ca CA) error {
	list, err := c.store.List()
	if err != nil {
		c.cfg.Log.Warn("the guard could not read every certificate", "err", err)
	}
	for _, cert := range list {
		g := cert.Latest
		if g.Number == 0 || g.Meta.Directory != ca.Directory || slices.Contains(cert.State.Revoked, g.Number) {
			continue
		}
		if sameNames(g.Meta.Names, names) && time.Since(g.Meta.Issued) < guardPeriod {
			return &GuardError{CA: ca.Name, Issued: g.Meta.Issued}
		}
	}
	return nil
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// record notes how an attempt ended. An attempt that was interrupted says
// nothing about the next.
func (c *Client) record(ctx context.Context, name string, failure error) error {
	if failure != nil && (ctx.Err() != nil || errors.Is(failure, context.Canceled)) {
		return nil
	}
	if _, ok := errors.AsType[*TermsError](failure); ok {
		return nil
	}
	now := time.Now().UTC()
	var remaining time.Duration
	if g, err := c.store.Latest(name); err == nil {
		remaining = g.Leaf.NotAfter.Sub(now)
	}
	return c.store.change(name, func(s *State) {
		if failure == nil {
			s.Failures, s.LastError, s.LastErrorAt = 0, "", time.Time{}
			s.NotBefore, s.RetryAfter = time.Time{}, time.Time{}
			return
		}
		s.Failures++
		s.LastError, s.LastErrorAt = failure.Error(), now
		s.NotBefore = now.Add(Backoff(s.Failures, remaining))
		if backoff, ok := errors.AsType[*BackoffError](failure); ok {
			s.RetryAfter = backoff.Until.UTC()
		}
	})
}

// chooseKey makes a new key, or takes the former generation's where that was
// asked for, is of the right kind and was not revoked.
func (c *Client) chooseKey(w work, former Generation) (crypto.Signer, error) {
	if !w.ReuseKey || former.Number == 0 || former.Meta.KeyType != string(w.KeyType) || former.KeyFile() == "" {
		return newKey(w.KeyType)
	}
	state, err := c.store.state(w.Name)
	if err != nil {
		return nil, err
	}
	if slices.Contains(state.Revoked, former.Number) {
		return newKey(w.KeyType)
	}
	data, err := os.ReadFile(former.KeyFile())
	if err != nil {
		return nil, err
	}
	return leaf.ParseKey(data)
}
