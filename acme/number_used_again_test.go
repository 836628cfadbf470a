package acme

import (
	"os"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
)

// The newest generation is gone, by hand or by a restored backup. Its number
// is remembered for what was done with it, and a path that once named a
// revoked certificate, a served one or one that was left shall name no other.
func TestNumberIsNotUsedAgain(t *testing.T) {
	for name, note := range map[string]func(t *testing.T, c *Client, g store.Generation){
		"revoked": func(t *testing.T, c *Client, g store.Generation) {
			if err := c.Revoke(testContext(t), g, Reasons["keyCompromise"]); err != nil {
				t.Fatal(err)
			}
		},
		"served": func(t *testing.T, c *Client, g store.Generation) {
			if err := c.store.MarkDeployed(g.Name, g.Number, time.Now()); err != nil {
				t.Fatal(err)
			}
		},
		"left": func(t *testing.T, c *Client, g store.Generation) {
			if err := c.store.MarkRolledBack(g.Name, 1, g.Number, time.Now()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, acmetest.Options{AlwaysValid: true})
			c := h.client(t)
			var g store.Generation
			for range 2 {
				var err error
				if g, err = c.Issue(testContext(t), h.request(), IssueOptions{Force: true}); err != nil {
					t.Fatal(err)
				}
			}
			note(t, c, g)
			if err := os.RemoveAll(g.Dir); err != nil {
				t.Fatal(err)
			}
			next, err := c.Issue(testContext(t), h.request(), IssueOptions{Force: true})
			if err != nil || next.Number != g.Number+1 {
				t.Errorf("generation %d after %d: %v", next.Number, g.Number, err)
			}
		})
	}
}
