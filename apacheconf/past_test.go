package apacheconf

import (
	"strings"
	"testing"
)

// What will be undone has a name, a date and a difference; a newer certificate
// alone is nothing to undo, and does not hide the change before it.
func TestLastChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if _, err := Last(t.Context(), r.cfg, Undo{}); err != ErrNothingToUndo {
		t.Error(err)
	}
	first, _ := r.generation()
	r.apply(Change{Profile: "intermediate"})
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	second, _ := r.generation()
	if res := r.apply(Change{Profile: "intermediate", Generations: map[string]string{"a.test": second}}); !res.Changed {
		t.Error("the newer certificate changed nothing")
	}
	for _, want := range []string{"apache adopt a.test", "apache apply --profile intermediate"} {
		past, err := Last(t.Context(), r.cfg, Undo{})
		if err != nil {
			t.Fatal(err)
		}
		if past.Command != want || past.Started.IsZero() || !strings.Contains(past.Plan.Diff(), "SSL") {
			t.Errorf("%+v, want %s\n%s", past, want, past.Plan.Diff())
		}
		if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
			t.Fatal(err)
		}
	}
}

// What stands beside our lines in the admin's file is not shown on the way back
// either.
func TestUndoingShowsNothingBeside(t *testing.T) {
	t.Parallel()
	r := newRig(t, "# Password secret\n")
	dir, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	past, err := Last(t.Context(), r.cfg, Undo{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := past.Plan.Diff(); strings.Contains(diff, "secret") || !strings.Contains(diff, "+  SSLCertificateFile") {
		t.Error(diff)
	}
}
