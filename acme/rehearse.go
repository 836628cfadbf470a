package acme

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tlskeeper/internal/durable"
)

// Rehearse makes a client whose issuances leave nothing behind: its directory
// is a temporary one, which done removes, and the CA is told to forget the
// proofs of control. The accounts of cfg.Dir serve it, where there are any.
func Rehearse(cfg Config) (c *Client, done func(), err error) {
	dir, err := os.MkdirTemp("", "tlskeeper-rehearsal-") // 0700
	if err != nil {
		return nil, nil, fmt.Errorf("preparing a rehearsal: %w", err)
	}
	done = func() { os.RemoveAll(dir) }
	if err = copyAccounts(filepath.Join(cfg.Dir, "accounts"), filepath.Join(dir, "accounts")); err == nil {
		cfg.Dir = dir
		c, err = New(cfg)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return c, done, nil
}

func copyAccounts(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*", "*"))
	if err != nil {
		return fmt.Errorf("preparing a rehearsal: %w", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("preparing a rehearsal: %w", err)
		}
		dir := filepath.Join(to, filepath.Base(filepath.Dir(file)))
		if err := durable.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("preparing a rehearsal: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o600); err != nil {
			return fmt.Errorf("preparing a rehearsal: %w", err)
		}
	}
	return nil
}

// Try issues with a client of Rehearse: everything is real but the CA's
// signature is worth nothing to anybody.
func (c *Client) Try(ctx context.Context, r Request) (Generation, error) {
	return c.Issue(ctx, r, IssueOptions{Force: true, Attended: true, rehearsal: true})
}

// disown tells the CA to forget what was proven for a rehearsal: else the next
// real order could rest on it, and the next rehearsal would prove nothing.
func (s *session) disown() {
	if s.orderURL == "" || s.ctx.Err() != nil {
		return
	}
	order, err := s.orderAt(s.orderURL)
	for _, authz := range order.Authorizations {
		err = errors.Join(err, s.call("deactivating an authorization", func() error {
			return s.core.Authorizations.Deactivate(authz)
		}))
	}
	if err != nil {
		s.client.cfg.Log.Debug("not every authorization could be deactivated", "err", err)
	}
}
