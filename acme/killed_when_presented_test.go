package acme

import (
	"path/filepath"
	"testing"

	"tlskeeper/acme/acmetest"
)

// After a kill the order is mostly resumed, with the same proofs, and the end
// of that takes them away. Here it is not: only the journal knows of them.
func TestKilledWhenPresentedAndNotResumed(t *testing.T) {
	invalid := rewritten(func(order map[string]any) {
		order["status"] = "invalid"
		delete(order, "certificate")
	})
	for name, next := range map[string]struct {
		first  bool // a certificate is there, and kept
		change func(*Request)
		plan   func(*acmetest.Proxy)
	}{
		"other names":       {change: func(r *Request) { r.Names = []string{"other.example.org"} }},
		"another key type":  {change: func(r *Request) { r.KeyType = P256 }},
		"the order is over": {plan: func(p *acmetest.Proxy) { p.On(acmetest.Order, 1, invalid) }},
		"nothing is due":    {first: true},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := new(acmetest.Proxy)
			h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
			r := h.request()
			if next.first {
				h.renew(t, r)
			}
			run(t, killedRun{Config: h.config(), Request: r, Options: IssueOptions{Force: true}, Step: "presented"}, true)
			presented := filepath.Join(h.webroot, ".well-known", "acme-challenge", "*")
			if found, _ := filepath.Glob(presented); len(found) != 2 {
				t.Fatalf("presented: %q", found)
			}
			if next.change != nil {
				next.change(&r)
			}
			if next.plan != nil {
				next.plan(proxy)
			}
			h.renew(t, r)
			if found, _ := filepath.Glob(presented); found != nil {
				t.Errorf("left in the webroot: %q", found)
			}
			if got := h.ca.Issued(); got != 1 {
				t.Errorf("%d certificates", got)
			}
		})
	}
}
