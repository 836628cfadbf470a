package acme

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	lego "github.com/go-acme/lego/v4/acme"
	"golang.org/x/sync/errgroup"

	"tlskeeper/acme/challenge"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

const (
	// parallel bounds the requests that are under way at once, and the records
	// or files that are written at once. A CA's slow validations do not count:
	// all names of an order are validated at the same time.
	parallel = 10
	// provePatience bounds the validation of one name.
	provePatience = 5 * time.Minute
	// withdrawTimeout bounds the cleaning after a cancelled run.
	withdrawTimeout = time.Minute
)

// prove shows control of every name of the order that the CA does not believe
// us yet. All names are tried: who has three mistakes sees three.
func (s *session) prove(j *journal, w checkedRequest, order lego.Order) error {
	proofs, err := s.proofs(w, order)
	if err != nil || len(proofs) == 0 {
		return err
	}
	j.Proofs = proofs
	if err := j.save(); err != nil {
		return err
	}
	ways := challenge.Solvers{}
	defer s.withdraw(j, ways)
	for _, p := range proofs { // set up here: the map is not for goroutines
		if _, err := ways.Of(p.Way); err != nil {
			return err
		}
	}
	if err := each(proofs, parallel, func(p challenge.Proof) error { return ways[p.Way].Present(s.ctx, p) }); err != nil {
		return err
	}
	s.client.step("presented")
	return each(proofs, len(proofs), s.validate) // the transport bounds the requests
}

// each runs f for every proof, some at a time, and returns all errors.
func each(proofs []challenge.Proof, some int, f func(challenge.Proof) error) error {
	errs := make([]error, len(proofs))
	var group errgroup.Group
	group.SetLimit(some)
	for i, p := range proofs {
		group.Go(func() error {
			errs[i] = f(p)
			return nil
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// proofs reads the order's authorizations and prepares an answer to each that
// is open.
func (s *session) proofs(w checkedRequest, order lego.Order) ([]challenge.Proof, error) {
	if asked := len(order.Authorizations); asked > len(w.names) {
		return nil, strange(fmt.Sprintf("%d proofs for %d names", asked, len(w.names)))
	}
	found, err := s.authorizations(order)
	if err != nil {
		return nil, err
	}
	var open []challenge.Proof
	seen := map[string]bool{}
	for i, authz := range found {
		full, err := w.ordered(authz)
		if err != nil {
			return nil, err
		}
		if seen[full] {
			return nil, strange("the proof of " + full + " twice")
		}
		seen[full] = true
		p, err := s.proof(w, full, order.Authorizations[i], authz)
		if err != nil {
			return nil, err
		}
		if p != nil {
			open = append(open, *p)
		}
	}
	return open, nil
}

// authorizations reads those of the order, until one cannot be read.
func (s *session) authorizations(order lego.Order) ([]lego.Authorization, error) {
	found := make([]lego.Authorization, len(order.Authorizations))
	group, ctx := errgroup.WithContext(s.ctx)
	group.SetLimit(parallel)
	for i, url := range order.Authorizations {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			found[i], err = s.authorization(url)
			return err
		})
	}
	return found, group.Wait()
}

// proof is nil for a name that is proven.
func (s *session) proof(w checkedRequest, full, url string, authz lego.Authorization) (*challenge.Proof, error) {
	name, way := strings.TrimPrefix(full, "*."), w.way(full)
	switch authz.Status {
	case lego.StatusValid:
		return nil, nil
	case lego.StatusPending:
	default:
		return nil, failed(full, way.Type, authz)
	}
	offered, err := challenge.Find(authz, way.Type)
	if err != nil {
		return nil, err
	}
	keyAuth, err := s.core.GetKeyAuthorization(offered.Token)
	if err != nil {
		return nil, fmt.Errorf("computing a key authorization: %v", err)
	}
	return &challenge.Proof{Way: way, Name: name, Token: offered.Token, KeyAuth: keyAuth, ChallengeURL: offered.URL, AuthzURL: url}, nil
}

// ordered returns which of the ordered names an authorization is about. A CA
// that asks for a proof of another would have it run through the DNS program,
// or put into a webroot of its choice: such an order is given up.
func (w checkedRequest) ordered(authz lego.Authorization) (string, error) {
	full := strings.ToLower(authz.Identifier.Value)
	if authz.Wildcard {
		full = "*." + full
	}
	kind := "dns"
	if addr, err := netip.ParseAddr(full); err == nil {
		full, kind = addr.Unmap().String(), "ip"
	}
	if authz.Identifier.Type == kind && slices.Contains(w.names, full) {
		return full, nil
	}
	what := term.Brief(authz.Identifier.Type) + " " + term.Brief(authz.Identifier.Value)
	if authz.Wildcard {
		what = "wildcard " + what
	}
	return "", strange("a proof of what was not ordered: " + what)
}

func (s *session) authorization(url string) (authz lego.Authorization, err error) {
	err = s.call("reading an authorization", func() (err error) {
		authz, err = s.core.Authorizations.Get(url)
		return err
	})
	return authz, err
}

// validate asks the CA to look, and waits for its verdict.
func (s *session) validate(p challenge.Proof) error {
	asked := s.call("asking for the validation of "+p.Name, func() error {
		_, err := s.core.Challenges.New(p.ChallengeURL)
		return err
	})
	if _, refused := errors.AsType[*Problem](asked); asked != nil && !refused {
		return asked
	}
	deadline := time.Now().Add(provePatience)
	for poll := 0; ; poll++ {
		authz, err := s.authorization(p.AuthzURL)
		if err != nil {
			return err
		}
		switch {
		case authz.Status == lego.StatusValid:
			return nil
		case authz.Status != lego.StatusPending:
			return hint.Wrap(failed(p.Name, p.Way.Type, authz), p.Advice())
		case asked != nil && !started(authz, p): // else an earlier request, whose answer was lost, was heard
			return asked
		}
		if err := s.pause(p.AuthzURL, poll, deadline); err != nil {
			return err
		}
	}
}

func started(authz lego.Authorization, p challenge.Proof) bool {
	for _, c := range authz.Challenges {
		if c.URL == p.ChallengeURL {
			return c.Status != lego.StatusPending
		}
	}
	return false
}

// failed explains an authorization that will not become valid.
func failed(name, kind string, authz lego.Authorization) error {
	for _, c := range authz.Challenges {
		if c.Error != nil {
			return &ChallengeError{Name: name, Type: c.Type, Problem: problemOf(c.Error)}
		}
	}
	return &ChallengeError{Name: name, Type: kind, Problem: &Problem{Detail: "the authorization is " + term.Brief(authz.Status)}}
}

// withdraw takes every proof away again, also when the run was cancelled. What
// cannot be taken away stays in the journal for the next run.
func (s *session) withdraw(j *journal, ways challenge.Solvers) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), withdrawTimeout)
	defer cancel()
	if err := j.withdraw(ctx, ways); err != nil {
		s.client.cfg.Log.Warn("a challenge could not be taken away", "err", err)
	}
}

// withdraw takes the proofs away in the ways that are set up.
func (j *journal) withdraw(ctx context.Context, ways challenge.Solvers) error {
	err := each(j.Proofs, parallel, func(p challenge.Proof) error {
		if ways[p.Way] == nil {
			return nil // never presented
		}
		return ways[p.Way].Withdraw(ctx, p)
	})
	if err = errors.Join(err, ways.Close()); err != nil {
		return err
	}
	j.Proofs = nil
	return j.save()
}

// ways sets up those in which its proofs were presented. Beside an error, those
// that could be.
func (j *journal) ways() (challenge.Solvers, error) {
	ways := challenge.Solvers{}
	var failed []error
	for _, p := range j.Proofs {
		_, err := ways.Of(p.Way)
		failed = append(failed, err)
	}
	return ways, errors.Join(failed...)
}

// withdrawLeft cleans after a run that was killed.
func (s *session) withdrawLeft(j *journal) {
	if len(j.Proofs) == 0 {
		return
	}
	ways, err := j.ways()
	if err != nil {
		s.client.cfg.Log.Warn("a challenge of a former run could not be taken away", "err", err)
	}
	s.withdraw(j, ways)
}
