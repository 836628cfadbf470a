package acme

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/internal/hint"
)

// Who has the key may revoke (RFC 8555, section 7.6): the account may be
// another one by now, ended, or lost.
func TestRevokedByItsOwnKey(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *Client, string) error{
		"no account": func(_ *testing.T, _ *Client, accounts string) error { return os.RemoveAll(accounts) },
		"a deactivated account": func(t *testing.T, c *Client, _ string) error {
			return c.Deactivate(testContext(t), c.endpoints[0].ca.Directory)
		},
		"another account": func(t *testing.T, c *Client, accounts string) error {
			err := os.RemoveAll(accounts)
			s, fault := c.open(testContext(t), c.endpoints[0], true)
			if s == nil || s.account.URL == "" {
				t.Error("no other account")
			}
			return errors.Join(err, fault)
		},
	} {
		for _, kind := range []KeyType{P384, RSA2048} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				h := newHost(t, acmetest.Options{AlwaysValid: true})
				r := h.request()
				r.KeyType = kind
				g, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
				if err != nil {
					t.Fatal(err)
				}
				accounts := filepath.Join(h.dir, "accounts")
				if err := change(t, h.client(t), accounts); err != nil {
					t.Fatal(err)
				}
				made, before := h.ca.Accounts(), snapshot(t, accounts)
				if err := h.client(t).Revoke(testContext(t), g, Reasons["keyCompromise"]); err != nil || !h.ca.Revoked(g.Leaf) {
					t.Errorf("not revoked: %v", err)
				}
				if h.ca.Accounts() != made || snapshot(t, accounts) != before {
					t.Error("the accounts are not as they were")
				}
				if cert, _ := store.Open(h.dir).Certificate("www"); !cert.Revoked() {
					t.Error("the store does not know it")
				}
			})
		}
	}
}

func TestRevokingWithoutAccountAndKey(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	g, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(h.dir, "accounts")), os.Remove(g.KeyFile())); err != nil {
		t.Fatal(err)
	}
	err = h.client(t).Revoke(testContext(t), g, 0)
	if err == nil || !strings.Contains(err.Error(), "no account") || hint.Of(err) == "" {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if h.ca.Accounts() != 1 {
		t.Error("an account was made")
	}
}

func TestRevokedFormerGeneration(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	var first store.Generation
	for i := range 2 {
		g, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = g
		}
	}
	for range 2 { // the second time is no error, and no second entry
		if err := h.client(t).Revoke(testContext(t), first, 0); err != nil || !h.ca.Revoked(first.Leaf) {
			t.Fatal(err)
		}
	}
	cert, _ := store.Open(h.dir).Certificate("www")
	if cert.Revoked() || h.ca.Revoked(cert.Latest.Leaf) || len(cert.State.Revoked) != 1 {
		t.Errorf("revoked: %v", cert.State.Revoked)
	}
}
