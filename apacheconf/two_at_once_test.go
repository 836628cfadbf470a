package apacheconf

import (
	"errors"
	"testing"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/flock"
)

// Two applies at once: one works, the other says who holds the lock.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if err := durable.MkdirAll(r.cfg.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := flock.Acquire(t.Context(), r.cfg.lockPath(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	before := r.snapshot()
	_, err = r.try(Change{LogOnly: true})
	if _, held := errors.AsType[*flock.HeldError](err); !held {
		t.Errorf("error = %v, want *flock.HeldError", err)
	}
	r.unchanged(before)
}
