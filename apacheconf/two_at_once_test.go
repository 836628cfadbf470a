package apacheconf

import (
	"errors"
	"sync"
	"sync/atomic"
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
	lock, err := flock.Acquire(t.Context(), lockPath(r.cfg), 0)
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

// Several at once, for real: whoever gets the lock applies, the others find
// the work done, or a change under their feet, or the lock held; in the end all
// is as planned and one change is in the history.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, leaf := r.generation()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	var all sync.WaitGroup
	var changed atomic.Int64
	for range 4 {
		s, p := r.plan(change)
		all.Go(func() {
			res, err := s.Apply(t.Context(), p)
			_, held := errors.AsType[*flock.HeldError](err)
			_, refused := errors.AsType[*RefusedError](err)
			switch {
			case err == nil && res.Changed:
				changed.Add(1)
			case err != nil && !held && !refused:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if changed.Load() != 1 || len(history(r.cfg)) != 1 {
		t.Errorf("changed by %d, history %v", changed.Load(), history(r.cfg))
	}
	r.serves("a.test", leaf)
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %+v", drift)
	}
}
