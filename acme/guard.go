package acme

import (
	"context"
	"crypto"
	"errors"
	"slices"
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/internal/child"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
	"tlskeeper/internal/term"
)

// mayIssue asks the back-off and the guard. An order in hand was allowed when
// it began.
func (c *Client) mayIssue(w work, to *endpoint, state State, o IssueOptions) error {
	now := time.Now()
	if until := state.pauseOf(to); until.Sub(now) > patience {
		return &BackoffError{Until: until, Why: to.ca.Name + " asked for a pause: " + state.LastError}
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

// guard refuses a second issuance for the same names within guardPeriod, and
// a fourth within guardWeek unless the last is old by its own lifetime,
// whatever the certificates are called, and whether they are there still. What
// was issued under a name whose served one is revoked does not count, nor does
// what was refused on arrival, which is not in the store.
func (c *Client) guard(names []string, ca CA) error {
	issued, err := c.store.history()
	if err != nil {
		c.cfg.Log.Warn("the guard could not read every certificate", "err", err)
	}
	refusal, early, newest := &GuardError{CA: ca.Name}, false, Issuance{}
	for _, i := range issued {
		if i.Directory != ca.Directory || !sameNames(i.Names, names) {
			continue
		}
		refusal.Count++
		early = early || time.Since(i.At) < i.period()
		if i.At.After(newest.At) {
			newest = i
		}
	}
	refusal.Issued = newest.At
	if early || refusal.Count >= guardMost && !newest.ofAge() {
		return refusal
	}
	return nil
}

// Issuance is a trace of one certificate that is pruned already.
type Issuance struct {
	Names     []string      `json:"names"`
	Directory string        `json:"directory"`
	At        time.Time     `json:"at"`
	Lifetime  time.Duration `json:"lifetime,omitempty"` // 0 where it was not noted
}

func (g Generation) issuance() Issuance {
	return Issuance{g.Meta.Names, g.Meta.Directory, g.Meta.Issued, g.Leaf.NotAfter.Sub(g.Leaf.NotBefore)}
}

// period is guardPeriod, or a third of a lifetime that is shorter: renewals by
// schedule are half of it apart, less what the CA dates it back.
func (i Issuance) period() time.Duration {
	if i.Lifetime <= 0 {
		return guardPeriod
	}
	return min(guardPeriod, i.Lifetime/3)
}

// ofAge tells that an issuance is about as old as a schedule lets it get. Then
// however many there were before, the next one is no loop.
func (i Issuance) ofAge() bool {
	return i.Lifetime > 0 && time.Since(i.At) >= i.Lifetime*2/5
}

// recent leaves out what counts no more, after guardWeek or a lifetime that is
// shorter, and what a clock that was ahead has dated.
func (i Issuance) recent() bool {
	age, most := time.Since(i.At), guardWeek
	if i.Lifetime > 0 {
		most = min(most, i.Lifetime)
	}
	return age < most && age > -i.period()
}

// recent lists what of a certificate was issued recently. The search
// ends at the first old one: most certificates are old.
func (s *Store) recent(cert Certificate) []Issuance {
	var found []Issuance
	numbers, _ := s.numbers(cert.Name)
	for _, n := range slices.Backward(numbers) {
		g, err := s.Generation(cert.Name, n)
		if err != nil || !g.issuance().recent() {
			break
		}
		found = append(found, g.issuance())
	}
	for _, i := range cert.State.Pruned {
		if i.recent() {
			found = append(found, i)
		}
	}
	return found
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
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
	return c.store.change(name, func(s *State) {
		if failure == nil {
			s.succeeded(to.ca.Directory)
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

// succeeded notes that this CA has issued. What another one asked for stays.
func (s *State) succeeded(directory string) {
	s.Failures, s.LastError, s.LastErrorAt, s.NotBefore = 0, "", time.Time{}, time.Time{}
	delete(s.Pauses, directory)
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
	data, err := safepath.ReadFile(former.KeyFile())
	if err != nil {
		return nil, err
	}
	return leaf.ParseKey(data)
}
