package acme

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	lego "github.com/go-acme/lego/v4/acme"
	"github.com/go-acme/lego/v4/acme/api"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

const (
	// patience is the longest pause asked for by a CA that a run sits out.
	// A longer one ends the run and is kept on disk.
	patience = 30 * time.Second
	// maxNonceTries bounds the tries of one call whose nonce is refused. At
	// 90 % refusals 200 tries fail once in 10^9 calls.
	maxNonceTries = 200
	// noncePatience bounds them in time: each may take as long as a request.
	noncePatience = 5 * time.Minute
	// maxTries bounds the tries of one call that fails on the way.
	maxTries = 4
)

// session is one run's conversation with one CA, under one account.
type session struct {
	ctx       context.Context
	client    *Client
	to        *endpoint
	transport *transport
	core      *api.Core
	account   account
	key       crypto.Signer // of the account
	orderURL  string        // of the order that was worked on
}

// open begins a conversation and sees that there is an account. attended tells
// that somebody waits for the answer.
func (c *Client) open(ctx context.Context, to *endpoint, attended bool) (*session, error) {
	if err := c.mayRegister(ctx, to, attended); err != nil {
		return nil, err
	}
	s, err := c.connect(ctx, to)
	if err != nil {
		return nil, err
	}
	return s, s.ensureAccount(s.account)
}

// connect fetches the directory. The session's account is as it stands on disk.
func (c *Client) connect(ctx context.Context, to *endpoint) (*session, error) {
	record := c.accountOf(to.ca)
	key, err := record.loadKey()
	if err != nil {
		return nil, err
	}
	known, err := record.load()
	if err != nil {
		return nil, err
	}
	return c.connectAs(ctx, to, known, key)
}

// connectAs is connect with any account and key. Without an account's URL each
// message carries the key.
func (c *Client) connectAs(ctx context.Context, to *endpoint, known account, key crypto.Signer) (*session, error) {
	s := &session{ctx: ctx, client: c, to: to, transport: newTransport(ctx, c.cfg.UserAgent, to), account: known, key: key}
	err := s.call("reading the CA's directory", func() (err error) {
		s.core, err = api.New(s.httpClient(), c.cfg.UserAgent, to.ca.Directory, known.URL, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.transport.know(s.core.GetDirectory().NewOrderURL, aboutOrder)
	s.transport.know(s.core.GetDirectory().NewNonceURL, aboutNonce)
	return s, nil
}

func (s *session) httpClient() *http.Client {
	return &http.Client{Transport: s.transport}
}

// call runs one exchange until it is answered: a refused nonce is signed
// again, a fault on the way is tried again, a short pause asked for by the CA
// is kept. fn has to bear repetition.
func (s *session) call(what string, fn func() error) error {
	tries := tries{began: time.Now()}
	for {
		err := s.transport.typed(fn())
		if err == nil {
			return nil
		}
		wait, again := tries.next(s.ctx, err)
		if !again {
			return explain(what, s.to, err)
		}
		s.client.cfg.Log.Debug("asking the CA again", "for", what, "wait", wait, "err", err)
		if err := sleep(s.ctx, wait); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// tries counts what happened to one call.
type tries struct {
	nonce, fault int
	began        time.Time
}

// next says whether to try again, and after how long.
func (t *tries) next(ctx context.Context, err error) (time.Duration, bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	if isBadNonce(err) {
		t.nonce++
		return min(time.Duration(t.nonce-1)*2*time.Millisecond, time.Second), t.nonce < maxNonceTries && time.Since(t.began) < noncePatience
	}
	t.fault++
	if t.fault >= maxTries {
		return 0, false
	}
	if problem, ok := errors.AsType[*Problem](err); ok {
		return t.afterProblem(problem)
	}
	if _, ok := errors.AsType[*BackoffError](err); ok {
		return 0, false
	}
	return t.backoff(), true
}

// afterProblem repeats only what the CA may answer differently next time.
func (t *tries) afterProblem(p *Problem) (time.Duration, bool) {
	if !p.temporary() {
		return 0, false
	}
	if p.RetryAfter.IsZero() {
		return t.backoff(), p.Status != http.StatusTooManyRequests
	}
	wait := time.Until(p.RetryAfter)
	return wait, wait <= patience
}

// backoff is about 0.3, 0.6, 1.2 s, jittered by half.
func (t *tries) backoff() time.Duration {
	base := 300 * time.Millisecond << (t.fault - 1)
	return base/2 + rand.N(base)
}

func (p *Problem) temporary() bool {
	return p.Status == http.StatusTooManyRequests || p.Status >= 500
}

func isBadNonce(err error) bool {
	details, ok := errors.AsType[*lego.ProblemDetails](err)
	return ok && details.Type == lego.BadNonceErr
}

// isProblem tells whether err is the CA's refusal of this type.
func isProblem(err error, kind string) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Type == kind
}

// explain drops the wrappings of net/http and lego, which repeat URLs, and
// makes a pause that is longer than our patience a *BackoffError.
func explain(what string, to *endpoint, err error) error {
	if backoff, ok := errors.AsType[*BackoffError](err); ok {
		return fmt.Errorf("%s: %w", what, backoff)
	}
	if problem, ok := errors.AsType[*Problem](err); ok {
		err = pauseOr(problem)
	} else if isBadNonce(err) {
		err = hint.Wrap(fmt.Errorf("%s goes on refusing the nonces that it gives", to.ca.Name),
			"the next run tries again; if it stays so, ask the CA, or set another ca in [acme]")
	} else if failed, ok := errors.AsType[*url.Error](err); ok {
		return unreachable(what, failed)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// unreachable says once where and why no answer came, and what to look at.
func unreachable(what string, failed *url.Error) error {
	advice := "is the network there, and HTTPS_PROXY set where one is needed? try: curl -v " + term.Brief(failed.URL)
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](failed.Err); unknown {
		advice = "for a private CA, give the root of its HTTPS: ca_file in [acme], a PEM file"
	}
	err := fmt.Errorf("%s: no answer from %s: %w", what, term.Brief(failed.URL), failed.Err)
	if errors.Is(failed.Err, context.Canceled) {
		return err
	}
	return hint.Wrap(err, advice)
}

// pauseOr returns p, or the *BackoffError it amounts to.
func pauseOr(p *Problem) error {
	if p.temporary() && !p.RetryAfter.IsZero() {
		return &BackoffError{Until: p.RetryAfter, Cause: p}
	}
	return p
}
