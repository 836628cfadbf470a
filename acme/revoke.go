package acme

import (
	"context"
	"encoding/base64"
	"fmt"

	lego "github.com/go-acme/lego/v4/acme"
)

// Reasons are the revocation reasons that a subscriber may give, by the number
// of RFC 5280, section 5.3.1 (Baseline Requirements, section 4.9.1.1).
var Reasons = map[string]uint{
	"unspecified": 0, "keyCompromise": 1, "affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5,
}

// Revoke revokes a generation with the account that it was issued under. One
// that is revoked already is no error. The next issuance under this name gets
// a fresh key, and is not held up by the guard.
func (c *Client) Revoke(ctx context.Context, g Generation, reason uint) error {
	to := c.endpointOf(g.Meta.Directory)
	if to == nil {
		return fmt.Errorf("revoking %s: it was issued by %s (%s), which is not configured", g.Name, g.Meta.CA, g.Meta.Directory)
	}
	s, err := c.open(ctx, to)
	if err != nil {
		return err
	}
	message := lego.RevokeCertMessage{Certificate: base64.RawURLEncoding.EncodeToString(g.Leaf.Raw), Reason: &reason}
	err = s.call("revoking "+g.Name, func() error { return s.core.Certificates.Revoke(message) })
	if err != nil && !isProblem(err, "alreadyRevoked") {
		return err
	}
	c.cfg.Log.Info("certificate revoked", "certificate", g.Name, "generation", g.Number, "serial", g.Serial())
	return c.store.change(g.Name, func(s *State) { s.Revoked = append(s.Revoked, g.Number) })
}
