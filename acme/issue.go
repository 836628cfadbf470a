package acme

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/term"
)

const (
	// guardMost issuances within guardWeek are the most, however they are spread.
	guardMost = 3
	// failoverAfter is how many failures in a row make us try the next CA.
	failoverAfter = 5
)

// Issue gets a certificate: it resumes the order in hand, or begins one. The
// returned generation is checked and on disk. Whatever went wrong is noted in
// the certificate's state, with the time before which nothing is tried again.
//
// Errors to branch on: *dnsname.Error, *TermsError, *GuardError, *BackoffError,
// *ChallengeError, *LeafError, *Problem.
func (c *Client) Issue(ctx context.Context, r Request, o IssueOptions) (store.Generation, error) {
	w, err := r.prepare()
	if err != nil {
		return store.Generation{}, err
	}
	if err := settle(ctx, c.store, w.Name); err != nil {
		return store.Generation{}, err
	}
	state, err := c.store.State(w.Name)
	if err != nil {
		return store.Generation{}, err
	}
	to := c.endpointFor(w.Name, state, time.Now())
	if err := c.mayIssue(w, to, state, o); err != nil {
		return store.Generation{}, err
	}
	if err := sleep(ctx, time.Until(to.pauseFor(state))); err != nil { // a short one
		return store.Generation{}, err
	}
	g, err := c.issue(ctx, w, to, o)
	return g, errors.Join(err, c.record(ctx, w.Name, to, err), to.pauseFault())
}

// issue tries once more when the CA no longer knows our account (CAs have lost
// theirs, or were replaced behind one URL).
func (c *Client) issue(ctx context.Context, w checkedRequest, to *endpoint, o IssueOptions) (store.Generation, error) {
	g, err := c.attempt(ctx, w, to, o)
	if !isProblem(err, "accountDoesNotExist") {
		return g, err
	}
	c.cfg.Log.Warn("the CA does not know our account any more, creating another", "ca", to.ca.Name)
	if err := c.accountOf(to.ca).forget(); err != nil {
		return g, err
	}
	return c.attempt(ctx, w, to, o)
}

func (c *Client) attempt(ctx context.Context, w checkedRequest, to *endpoint, o IssueOptions) (store.Generation, error) {
	if err := to.ca.checkLimits(w.Profile, w.names); err != nil {
		return store.Generation{}, err
	}
	s, err := c.open(ctx, to, o.Attended)
	if err != nil {
		return store.Generation{}, err
	}
	if w.Profile, err = s.profile(w); err != nil {
		return store.Generation{}, err
	}
	if o.rehearsal {
		defer s.disown(len(w.names))
	}
	j, err := s.takeUp(w, o)
	if err != nil {
		return store.Generation{}, err
	}
	resumed := j.OrderURL != ""
	hopeless := o.Force || o.Urgent || !j.credible(time.Now()) || s.outlasts(j, w.Name)
	g, err := s.conclude(j, w)
	if !resumed || !hopeless || !s.stuck(err) {
		return g, err
	}
	c.cfg.Log.Warn("giving the former order up, placing another", "certificate", w.Name, "order", term.Brief(j.OrderURL), "err", err)
	if j, err = s.again(j, w, o); err != nil {
		return g, err
	}
	return s.conclude(j, w)
}

// outlasts tells that the order has been in hand for longer than is left of the
// certificate that it shall replace.
func (s *session) outlasts(j *journal, name string) bool {
	former, err := s.client.store.Serving(name)
	return err == nil && time.Since(j.Began) > time.Until(former.Leaf.NotAfter)
}

// conclude finishes an order, and forgets it where that was its end.
func (s *session) conclude(j *journal, w checkedRequest) (store.Generation, error) {
	g, err := s.finish(j, w)
	if isOver(err) {
		return g, errors.Join(err, j.end())
	}
	return g, err
}

// stuck tells a failure that leaves the order in hand, and that is neither a
// pause that the CA asked for nor our own end.
func (s *session) stuck(err error) bool {
	_, paused := errors.AsType[*BackoffError](err)
	return err != nil && s.ctx.Err() == nil && !isOver(err) && !paused && !isProblem(err, "accountDoesNotExist")
}

// again drops an order and begins another.
func (s *session) again(j *journal, w checkedRequest, o IssueOptions) (*journal, error) {
	s.withdrawLeft(j)
	if err := j.end(); err != nil {
		return nil, err
	}
	return s.takeUp(w, o)
}

// profile is the one to ask for: the wanted one, or none where the CA does not
// offer it and its default will do.
func (s *session) profile(w checkedRequest) (string, error) {
	offered := s.core.GetDirectory().Meta.Profiles
	if _, ok := offered[w.Profile]; w.Profile == "" || ok {
		return w.Profile, nil
	}
	var names []string
	for n := range offered {
		names = append(names, term.Brief(n))
	}
	slices.Sort(names)
	err := fmt.Errorf("%s has no profile %q (it has %s)", s.to.ca.Name, w.Profile, term.Bound(fmt.Sprintf("%q", names)))
	if w.NeedsProfile {
		return "", err
	}
	s.client.cfg.Log.Warn("the CA's default profile will be used", "certificate", w.Name, "err", err)
	return "", s.to.ca.checkLimits("", w.names)
}

// isOver tells an end of the order itself from a fault on the way, after
// which the next run goes on with it. A refusal without an ACME type is a
// proxy's, or of a CA that is ill.
func isOver(err error) bool {
	if _, ok := errors.AsType[*LeafError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*ChallengeError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*strangeError](err); ok {
		return true
	}
	p, ok := errors.AsType[*Problem](err)
	return ok && !p.temporary() && p.Type != "" && p.Type != "accountDoesNotExist"
}

// takeUp returns the order's journal: the one in hand when it is for the same,
// else a new one.
func (s *session) takeUp(w checkedRequest, o IssueOptions) (*journal, error) {
	j, err := openJournal(s.client.store, w.Name)
	if err != nil {
		return nil, err
	}
	former, err := s.client.store.Latest(w.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if j == nil {
		return s.begin(w, former, o)
	}
	s.withdrawLeft(j)
	if j.fits(w, s.to.ca.Directory) {
		s.client.cfg.Log.Info("resuming an order", "certificate", w.Name, "order", term.Brief(j.OrderURL))
		return j, nil
	}
	if err := j.end(); err != nil {
		return nil, err
	}
	return s.begin(w, former, o)
}

// begin makes key and CSR and writes the first record.
func (s *session) begin(w checkedRequest, former store.Generation, o IssueOptions) (*journal, error) {
	j := &journal{Names: w.names, Directory: s.to.ca.Directory, Profile: w.Profile, CSR: w.csr, Began: time.Now().UTC()}
	if former.Number > 0 && o.Replaces == schedule.CertID(former.Leaf) &&
		former.Meta.Directory == s.to.ca.Directory && former.Meta.Account == s.account.URL {
		j.Replaces = o.Replaces
	}
	key, err := s.keyFor(w, former, j)
	if err != nil {
		return nil, err
	}
	if err := beginOrder(s.client.store, w.Name, j, key); err != nil {
		return nil, err
	}
	s.client.step("begun")
	return j, nil
}

// finish runs the order to its end and stores what came of it.
func (s *session) finish(j *journal, w checkedRequest) (store.Generation, error) {
	chainPEM, err := s.drive(j, w)
	if err != nil {
		return store.Generation{}, err
	}
	s.client.step("downloaded")
	if err := checkIssued(chainPEM, j); err != nil {
		return store.Generation{}, err
	}
	key, err := j.key()
	if err != nil {
		return store.Generation{}, fmt.Errorf("reading the order's key: %w", err)
	}
	public, err := publicKeyOf(j.CSR)
	if err != nil {
		return store.Generation{}, err
	}
	g, err := s.client.store.Add(w.Name, key, chainPEM, store.Meta{
		Names: w.names, KeyType: leaf.KeyType(public), CA: s.to.ca.Name, Directory: s.to.ca.Directory,
		Account: s.account.URL, Order: j.OrderURL, Profile: w.Profile, Issued: time.Now().UTC(),
		KeyElsewhere: w.csr != nil && key == nil,
	})
	if err != nil {
		return store.Generation{}, err
	}
	s.client.step("stored")
	s.client.cfg.Log.Info("certificate issued", "certificate", w.Name, "generation", g.Number, "serial", g.Serial())
	if err := s.client.store.Link(g); err != nil {
		return g, err
	}
	s.client.step("linked")
	return g, j.end()
}

func checkIssued(chainPEM []byte, j *journal) error {
	public, err := publicKeyOf(j.CSR)
	if err != nil {
		return err
	}
	chain, err := leaf.ParseChain(chainPEM)
	if err == nil {
		err = leaf.Check(chain, leaf.Want{Names: j.Names, PublicKey: public, Now: time.Now()})
	}
	if err != nil {
		return &LeafError{err}
	}
	return nil
}

// keyFor returns the private key in PEM, nil where the user keeps it, and puts
// the CSR into j.
func (s *session) keyFor(w checkedRequest, former store.Generation, j *journal) ([]byte, error) {
	if w.csr != nil {
		public, err := publicKeyOf(w.csr)
		if err != nil {
			return nil, err
		}
		return w.ownKey(public)
	}
	key, err := s.client.chooseKey(w, former)
	if err != nil {
		return nil, err
	}
	j.KeyType = string(w.KeyType)
	if j.CSR, err = newCSR(key, w.names); err != nil {
		return nil, err
	}
	return leaf.EncodeKey(key)
}
