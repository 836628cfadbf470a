package acme

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	lego "github.com/go-acme/lego/v4/acme"
	"github.com/go-acme/lego/v4/acme/api"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/term"
)

// orderPatience bounds how long one run waits for an order. The order is not
// lost then: the next run goes on with it.
const orderPatience = 15 * time.Minute

// drive takes the order from whatever state the CA says it is in to its
// certificate. The CA's word is the only state: the journal only knows which
// order it is, and so a kill anywhere in here needs no case of its own.
func (s *session) drive(j *journal, w checkedRequest) ([]byte, error) {
	order, err := s.order(j)
	s.orderURL = j.OrderURL
	deadline, proven := time.Now().Add(orderPatience), false
	for poll := 0; err == nil; poll++ {
		asked := j.OrderURL
		if order.Certificate != "" { // whatever became of the order since: Pebble's turn invalid with their proofs
			return s.download(order.Certificate, w.PreferredChain)
		}
		switch order.Status {
		case lego.StatusPending:
			if !proven { // all at once: a CA that still says so afterwards is only late
				err = s.prove(j, w, order)
				proven = err == nil
			}
		case lego.StatusReady:
			asked, err = order.Finalize, s.finalize(j, order)
		case lego.StatusProcessing, lego.StatusValid: // its certificate may be a moment late
		default:
			return nil, s.dead(order)
		}
		if err == nil {
			err = s.pause(asked, poll, deadline)
		}
		if err == nil {
			order, err = s.orderAt(j.OrderURL)
		}
	}
	return nil, err
}

// order returns the journaled order, or places one: the first, or another when
// the CA says that the former is over.
func (s *session) order(j *journal) (lego.Order, error) {
	if j.OrderURL != "" {
		order, err := s.orderAt(j.OrderURL)
		if err != nil && !gone(err) {
			return order, err
		}
		if err == nil && (order.Status != lego.StatusInvalid || order.Certificate != "") {
			return order, nil
		}
		why := []any{"order", term.Brief(j.OrderURL)}
		if err != nil {
			why = append(why, "err", err)
		}
		s.client.cfg.Log.Info("the former order is over, placing another", why...)
	}
	order, err := s.place(j)
	if err != nil {
		return order.Order, err
	}
	j.OrderURL, j.Expires, j.Began = order.Location, order.Expires, time.Now().UTC()
	if err := j.save(); err != nil {
		return order.Order, err
	}
	s.client.step("ordered")
	return order.Order, nil
}

func (s *session) orderAt(url string) (lego.Order, error) {
	var order lego.ExtendedOrder
	err := s.call("reading the order", func() (err error) {
		order, err = s.core.Orders.Get(url)
		return err
	})
	return order.Order, err
}

// gone tells that an order is not there for us: expired, or of another account.
func gone(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.temporary() || p.Type == "accountDoesNotExist" {
		return false
	}
	return p.Type != "" || p.Status == http.StatusNotFound // Pebble's has no body
}

// place orders. Whatever the CA dislikes when replaces is set may be for that
// (already replaced, issued under another account, forgotten): once without.
func (s *session) place(j *journal) (lego.ExtendedOrder, error) {
	order, err := s.newOrder(j, j.Replaces)
	_, refused := errors.AsType[*Problem](err)
	_, paused := errors.AsType[*BackoffError](err)
	if j.Replaces == "" || !refused || paused || isProblem(err, "accountDoesNotExist") {
		return order, s.accountFault(err)
	}
	s.client.cfg.Log.Info("the CA refuses to count the order as a replacement", "err", err)
	order, err = s.newOrder(j, "")
	return order, s.accountFault(err)
}

func (s *session) newOrder(j *journal, replaces string) (order lego.ExtendedOrder, err error) {
	options := &api.OrderOptions{Profile: j.Profile, ReplacesCertID: replaces}
	err = s.call("placing the order", func() (err error) {
		order, err = s.core.Orders.NewWithOptions(j.Names, options)
		return err
	})
	if err == nil {
		s.to.ordered()
	}
	if err == nil && !isOrderURL(order.Location) {
		err = fmt.Errorf("placing the order: the CA says that it is at %q, which is not an https address", term.Brief(order.Location))
	}
	return order, err
}

// finalize asks for the certificate. When the CA says that the order is not
// ready, then an earlier request, whose answer was lost, has been heard.
func (s *session) finalize(j *journal, order lego.Order) error {
	s.client.step("finalizing")
	err := s.call("finalizing the order", func() error {
		_, err := s.core.Orders.UpdateForCSR(order.Finalize, j.CSR)
		return err
	})
	s.client.step("finalized")
	if isProblem(err, "orderNotReady") {
		return nil
	}
	return err
}

// dead explains an invalid order.
func (s *session) dead(order lego.Order) error {
	problem := problemOf(order.Error)
	if order.Error == nil {
		problem.Detail = "the order became " + term.Brief(order.Status) + " without a reason"
	}
	return fmt.Errorf("the order failed: %w", problem)
}

// A local CA is done within milliseconds, a public one within seconds: doubling
// costs the public one two questions more than a start at its own pace would.
const (
	firstPoll = 10 * time.Millisecond
	lastPoll  = 5 * time.Second
)

// pause waits before the next look at an order or authorization: a little
// longer each time, or as long as the CA asked for. One that asks for less is
// not asked more often for that.
func (s *session) pause(url string, poll int, deadline time.Time) error {
	wait := min(firstPoll<<min(poll, 10), lastPoll)
	if at := s.transport.pauseOf(url); !at.IsZero() {
		wait = max(wait, time.Until(at))
	}
	if until := time.Now().Add(wait); until.After(deadline) {
		err := &BackoffError{Until: until, Why: "the CA has not finished yet"}
		return hint.Wrap(err, "the next run goes on with the same order")
	}
	return sleep(s.ctx, wait)
}

// download fetches the chain. What is not a chain at all is asked for again: the
// certificate exists, and dropping the order would cost another.
func (s *session) download(url, preferred string) ([]byte, error) {
	var chainPEM []byte
	err := s.call("downloading the certificate", func() error {
		found, err := s.chains(url, preferred != "")
		if err != nil {
			return err
		}
		var ok bool
		if chainPEM, ok = choose(found, url, preferred); !ok {
			s.client.cfg.Log.Warn("the CA offers no chain under the preferred issuer, taking its own choice", "preferred", preferred, "offered", len(found))
		}
		_, err = parseChain(chainPEM)
		return err
	})
	return chainPEM, err
}

// maxChain bounds the certificates of a chain. Public CAs have up to four;
// GnuTLS gives up at 16, and OpenSSL at 100 kB.
const maxChain = 10

// parseChain is leaf.ParseChain for what servers can send to their clients.
func parseChain(data []byte) ([]*x509.Certificate, error) {
	chain, err := leaf.ParseChain(data)
	if len(chain) > maxChain {
		err = fmt.Errorf("the CA sent a chain of %d certificates, more than TLS clients take (%d)", len(chain), maxChain)
		return nil, hint.Wrap(err, "the next run asks for it again; if it stays so, ask the CA, or set preferred_chain to another that it has")
	}
	return chain, err
}

func (s *session) chains(url string, alternates bool) (map[string][]byte, error) {
	found := map[string][]byte{}
	if alternates {
		if all, err := s.core.Certificates.GetAll(url, true); err == nil {
			for u, raw := range all {
				found[u] = raw.Cert
			}
			return found, nil
		}
	}
	cert, _, err := s.core.Certificates.Get(url, true)
	found[url] = cert
	return found, err
}

// choose takes the chain that ends under the preferred issuer, else one with
// it anywhere between, else, and then it is not ok, the CA's own choice at url.
// A chain to one root may pass through a certificate of another root's name,
// so the end counts first; among equals it is the CA's first.
func choose(found map[string][]byte, url, preferred string) (data []byte, ok bool) {
	if preferred == "" {
		return found[url], true
	}
	best, place := found[url], placeOf(found[url], preferred)
	for _, u := range slices.Sorted(maps.Keys(found)) {
		if p := placeOf(found[u], preferred); p > place {
			best, place = found[u], p
		}
	}
	return best, place > 0
}

// placeOf is 2 where the chain ends under the issuer, 1 where it passes
// through it, 0 where it does neither.
func placeOf(chainPEM []byte, issuer string) int {
	chain, err := parseChain(chainPEM)
	if err != nil {
		return 0
	}
	is := func(c *x509.Certificate) bool { return strings.EqualFold(c.Issuer.CommonName, issuer) }
	switch {
	case is(chain[len(chain)-1]):
		return 2
	case slices.ContainsFunc(chain, is):
		return 1
	}
	return 0
}
