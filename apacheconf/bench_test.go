package apacheconf

import (
	"errors"
	"testing"
	"time"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/templates"
)

// A second apply of the same change: what a timer pays that finds nothing to do.
func BenchmarkApplyNothing(b *testing.B) {
	r := newRig(b, "")
	dir, _ := r.generation()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	r.apply(change)
	for b.Loop() {
		if r.apply(change).Changed {
			b.Fatal("changed")
		}
	}
}

// One renewal from the new pair to the handshake that shows it.
func BenchmarkActivate(b *testing.B) {
	r := newRig(b, "")
	first, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	for b.Loop() {
		b.StopTimer()
		next, _ := r.generation()
		b.StartTimer()
		if _, err := Activate(b.Context(), r.cfg, map[string]string{"a.test": next}); err != nil {
			b.Fatal(err)
		}
	}
}

// From noticing that the server died of a change until the old site is back on
// the wire, as "undo-ms"; the rest of an iteration is what led there.
func BenchmarkUndo(b *testing.B) {
	r := newRig(b, "")
	bad, _ := templates.Lookup("intermediate")
	bad.Groups = []string{"nosuch"}
	var undone time.Duration
	for b.Loop() {
		s := r.discover()
		s.hooks.blind = true
		p, err := plan.MakeWith(b.Context(), s.Server, Change{}, &bad)
		if err != nil {
			b.Fatal(err)
		}
		_, err = s.Apply(b.Context(), p)
		back, ok := errors.AsType[*RolledBackError](err)
		if !ok || !back.Healthy {
			b.Fatal(err)
		}
		undone += back.Took
	}
	b.ReportMetric(float64(undone.Milliseconds())/float64(b.N), "undo-ms")
}
