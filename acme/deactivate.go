package acme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

// Deactivate ends the account with the CA of that directory for ever (RFC
// 8555, section 7.3.6), and puts its key aside. Another account, with another
// key, is made by an issuance that somebody asks for, and by no timer.
// Certificates stay valid.
func (c *Client) Deactivate(ctx context.Context, directory string) error {
	to := c.endpointOf(directory)
	if to == nil {
		return fmt.Errorf("deactivating the account: no CA with the directory %s is configured", directory)
	}
	known, err := c.accountOf(to.ca).load()
	if err != nil {
		return err
	}
	if known.URL == "" {
		return fmt.Errorf("deactivating the account: there is none with %s", to.ca.Name)
	}
	return c.endAccount(ctx, to, known)
}

// endAccount writes down that the account is to end before the CA hears of it:
// a kill after its answer would leave an account that nothing works with.
func (c *Client) endAccount(ctx context.Context, to *endpoint, known account) error {
	record := c.accountOf(to.ca)
	if !record.hasKey() {
		return record.retire(known) // the CA has answered: the key is put aside after that only
	}
	s, err := c.connect(ctx, to)
	if err != nil {
		return err
	}
	if s.account.Deactivated = known.Deactivated; known.Deactivated.IsZero() {
		s.account.Deactivated = time.Now().UTC()
	}
	if err := record.save(s.account); err != nil {
		return err
	}
	err = s.call("deactivating the account", func() error { return s.core.Accounts.Deactivate(known.URL) })
	if err != nil && !isGoneAccount(err) {
		return s.takeBack(err)
	}
	c.cfg.Log.Info("account deactivated", "ca", to.ca.Name, "account", term.Brief(known.URL))
	return record.retire(s.account)
}

// takeBack keeps the account where the CA has refused to end it. Where no
// answer came the CA may have heard, and the next run asks again.
func (s *session) takeBack(failure error) error {
	if _, refused := errors.AsType[*Problem](failure); !refused {
		return failure
	}
	s.account.Deactivated = time.Time{}
	return errors.Join(failure, s.record().save(s.account))
}

// isGoneAccount tells that the CA has no such account, or has ended it before
// and we did not hear it (RFC 8555 section 7.3.6 wants 401 unauthorized then).
func isGoneAccount(err error) bool {
	return isProblem(err, "accountDoesNotExist") || isProblem(err, "unauthorized")
}

// mayRegister finishes a deactivation that was cut off, and lets an account
// that the user ended be followed by another one only where somebody asks for
// it: a timer would undo what they did.
func (c *Client) mayRegister(ctx context.Context, to *endpoint, attended bool) error {
	known, err := c.accountOf(to.ca).load()
	if err != nil || known.Deactivated.IsZero() {
		return err
	}
	if known.URL != "" {
		if err := c.endAccount(ctx, to, known); err != nil {
			return err
		}
	}
	if attended {
		return nil
	}
	err = fmt.Errorf("the account with %s was deactivated on %s", to.ca.Name, known.Deactivated.Format(time.DateOnly))
	return hint.Wrap(err, "`tlskeeper issue` makes another one, and gets what is due")
}
