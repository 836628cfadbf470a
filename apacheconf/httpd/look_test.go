package httpd

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// A look holds while nothing happens, and no longer when Apache has read its
// configuration, has another worker, or is another process.
func TestLookHoldsUntilTheReload(t *testing.T) {
	t.Parallel()
	r := newLive(t)
	s := r.discover()
	held := func() Look {
		t.Helper()
		var l Look
		r.must(Poll(context.Background(), time.Minute, func() (bool, error) { // a worker may be younger than a tick
			var ok bool
			l, ok = s.Look()
			return ok && l.Holds(), nil
		}))
		return l
	}
	p, _ := s.Parent()
	// after does something that brings another worker.
	after := func(l Look, what string, do func()) {
		t.Helper()
		old := workers(p)
		do()
		r.must(Poll(context.Background(), time.Minute, func() (bool, error) {
			for pid := range workers(p) {
				if !old[pid] {
					return true, nil
				}
			}
			return false, nil
		}))
		held() // that other worker may have been one of before, and gone again
		if l.Holds() {
			t.Errorf("it holds after %s", what)
		}
	}
	first := held()
	after(first, "a reload", func() { r.must(r.a.Reload(context.Background())) })
	after(held(), "the death of a worker", func() {
		for pid := range workers(p) {
			r.must(syscall.Kill(pid, syscall.SIGKILL))
			return
		}
	})
	third := held()
	r.must(r.a.Stop(context.Background()))
	if third.Holds() {
		t.Error("it holds without an Apache")
	}
	r.must(r.a.Start(context.Background()))
	if third.Holds() || first.Holds() {
		t.Error("it holds for another process")
	}
	if other := held(); other.Holds() {
		other.Boot = "another"
		if other.Holds() {
			t.Error("it holds after a boot")
		}
	}
}
