package renewal

import (
	"errors"
	"path/filepath"
	"testing"

	"tlskeeper/acme/store"
	"tlskeeper/internal/flock"
)

// While a run is under way, nothing is revoked or ended beside it: it would
// write over what is noted, or use an account that is no more.
func TestNothingIsRevokedBesideARun(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	h.run(Options{})
	g, err := store.Open(h.cfg.Dir).Latest(site)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := flock.Acquire(t.Context(), filepath.Join(h.cfg.Dir, "lock"), 0)
	if err != nil {
		t.Fatal(err)
	}
	before := h.ca.Requests()
	var held *flock.HeldError
	if err := Revoke(h.ctx(), h.cfg, g, 1); !errors.As(err, &held) {
		t.Errorf("revoked beside a run: %v", err)
	}
	if err := Deactivate(h.ctx(), h.cfg, h.ca.Directory); !errors.As(err, &held) {
		t.Errorf("ended beside a run: %v", err)
	}
	if h.ca.Requests() != before || h.state().Revoked {
		t.Errorf("%d requests", h.ca.Requests()-before)
	}
	lock.Release()
	if err := Revoke(h.ctx(), h.cfg, g, 1); err != nil || !h.state().Revoked {
		t.Errorf("revoked: %v, %+v", err, h.state())
	}
	if err := Deactivate(h.ctx(), h.cfg, h.ca.Directory); err != nil {
		t.Error(err)
	}
}
