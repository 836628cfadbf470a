package acme

import (
	"crypto"
	"time"

	"tlskeeper/acme/store"
)

// Matches tells whether a generation is still what is asked for: its names,
// and the kind of its key or, with a CSR of the user's, that very key. A key
// that was brought here since is for Apache, which needs a generation with
// it. A request that Check refuses is no reason for another certificate.
func (r Request) Matches(g store.Generation) bool {
	w, err := r.prepare()
	if err != nil {
		return true
	}
	if !store.SameNames(w.names, g.Meta.Names) {
		return false
	}
	if w.csr == nil {
		return string(w.KeyType) == g.Meta.KeyType
	}
	return certifies(g, w.csr) && (w.KeyFile == "" || g.KeyFile() != "")
}

// certifies tells whether a generation is for the key of a CSR.
func certifies(g store.Generation, csr []byte) bool {
	wanted, err := publicKeyOf(csr)
	if err != nil {
		return false
	}
	key, ok := wanted.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(g.Leaf.PublicKey)
}

// MayIssue tells whether Issue would ask a CA now. It asks nobody itself.
//
// Errors to branch on: *BackoffError, *GuardError, and those of Request.Check.
func (c *Client) MayIssue(r Request, o IssueOptions) error {
	w, err := r.prepare()
	if err != nil {
		return err
	}
	state, err := c.store.State(w.Name)
	if err != nil {
		return err
	}
	return c.mayIssue(w, c.endpointFor(w.Name, state, time.Now()), state, o)
}
