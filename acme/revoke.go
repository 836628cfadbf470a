package acme

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/acme/store"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
)

// Reasons are the revocation reasons that a subscriber may give, by the number
// of RFC 5280, section 5.3.1 (Baseline Requirements, section 4.9.1.1).
var Reasons = map[string]uint{
	"unspecified": 0, "keyCompromise": 1, "affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5,
}

// Revoke revokes a generation, whichever of its name, under the account with
// its CA, or where that one may not (it is another one by now, or there is
// none) with the certificate's own key (RFC 8555, section 7.6). One that is
// revoked already is no error. The next issuance under this name gets a fresh
// key, and is not held up by the guard.
func (c *Client) Revoke(ctx context.Context, g store.Generation, reason uint) error {
	to := c.endpointOf(g.Meta.Directory)
	if to == nil {
		return fmt.Errorf("revoking %s: it was issued by %s (%s), which is not configured", g.Name, g.Meta.CA, g.Meta.Directory)
	}
	err := c.revokeByAccount(ctx, to, g, reason)
	if isGoneAccount(err) || errors.Is(err, errNoAccount) {
		err = c.revokeByKey(ctx, to, g, reason, err)
	}
	if err != nil {
		return err
	}
	c.cfg.Log.Info("certificate revoked", "certificate", g.Name, "generation", g.Number, "serial", g.Serial())
	return c.store.Change(g.Name, func(s *store.State) {
		if !slices.Contains(s.Revoked, g.Number) {
			s.Revoked = append(s.Revoked, g.Number)
		}
	})
}

var errNoAccount = errors.New("there is no account")

func (c *Client) revokeByAccount(ctx context.Context, to *endpoint, g store.Generation, reason uint) error {
	known, err := c.accountOf(to.ca).load()
	if err != nil {
		return err
	}
	if known.URL == "" || !known.Deactivated.IsZero() {
		return errNoAccount
	}
	s, err := c.connect(ctx, to)
	if err != nil {
		return err
	}
	return s.revoke(g, reason)
}

// revokeByKey needs the key on this host; why is what keeps the account from it.
func (c *Client) revokeByKey(ctx context.Context, to *endpoint, g store.Generation, reason uint, why error) error {
	if g.KeyFile() == "" {
		err := fmt.Errorf("revoking %s: %s has no account of ours that may (%w), and its private key is not on this host", g.Name, to.ca.Name, why)
		return hint.Wrap(err, "with the key, any ACME client revokes it: certbot revoke --cert-path "+g.ChainFile()+" --key-path KEY")
	}
	data, err := safepath.ReadFile(g.KeyFile())
	if err != nil {
		return fmt.Errorf("revoking %s: %w", g.Name, err)
	}
	key, err := leaf.ParseKey(data)
	if err != nil {
		return fmt.Errorf("revoking %s: %w", g.Name, err)
	}
	c.cfg.Log.Debug("revoking with the certificate's own key", "certificate", g.Name, "err", why)
	s, err := c.connectAs(ctx, to, account{}, key)
	if err != nil {
		return err
	}
	return s.revoke(g, reason)
}

func (s *session) revoke(g store.Generation, reason uint) error {
	message := lego.RevokeCertMessage{Certificate: base64.RawURLEncoding.EncodeToString(g.Leaf.Raw), Reason: &reason}
	err := s.call("revoking "+g.Name, func() error { return s.core.Certificates.Revoke(message) })
	if isProblem(err, "alreadyRevoked") {
		return nil
	}
	return err
}
