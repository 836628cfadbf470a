package renewal

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
)

// The server refuses all together for the sake of one: the others are served.
// What it refuses for every one of them, and what had to be undone, is not
// tried with each.
func TestOneCertificateRefused(t *testing.T) {
	refused := &apacheconf.RefusedError{Why: "site3.example.test is wrong"}
	for name, c := range map[string]struct {
		activate func(map[string]string) error
		unserved int
		most     int // activations
	}{
		"one of five": {func(g map[string]string) error {
			if g["site3.example.test"] != "" {
				return refused
			}
			return nil
		}, 1, 7},
		"two of five": {func(g map[string]string) error {
			for _, bad := range []string{"site0.example.test", "site4.example.test"} {
				if g[bad] != "" {
					return errors.New(bad + " is wrong")
				}
			}
			return nil
		}, 2, 9},
		"all":    {func(map[string]string) error { return errors.New("apache is not running") }, 5, 3},
		"undone": {func(map[string]string) error { return &apacheconf.RolledBackError{Cause: refused, Healthy: true} }, 5, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var none error
			h := offline(t, &none)
			one := h.cfg.Requests[0]
			h.cfg.Requests = nil
			for i := range 5 {
				one.Name = fmt.Sprintf("site%d.example.test", i)
				one.Names = []string{one.Name}
				h.cfg.Requests = append(h.cfg.Requests, one)
			}
			calls := 0
			h.cfg.Deploy.Activate = func(_ context.Context, g map[string]string) error { calls++; return c.activate(g) }
			_, err := Run(h.ctx(), h.cfg, Options{})
			undeployed, ok := errors.AsType[*NotDeployedError](err)
			if !ok || len(undeployed.Why) != c.unserved {
				t.Errorf("not deployed: %v", err)
			}
			if calls > c.most {
				t.Errorf("%d activations, want %d at most", calls, c.most)
			}
			list, err := store.Open(h.cfg.Dir).List()
			served := 0
			for _, cert := range list {
				if cert.Deployed() {
					served++
				}
			}
			if err != nil || served != 5-c.unserved {
				t.Errorf("%d are served, %v", served, err)
			}
		})
	}
}
