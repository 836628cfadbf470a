package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file is edited between the plan that a person saw and its apply: what
// would be done now is not what they agreed to.
func TestFileIsEditedAfterThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	s, p := r.plan(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	r.writeSites("# a note\n" + r.sites())
	before := r.snapshot()
	_, err := s.Apply(t.Context(), p)
	if refused := asRefused(t, err); !strings.Contains(refused.Why, "changed after the plan") {
		t.Errorf("refused: %v", refused)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}

// Somebody edits a file of ours while it is being installed, and then the
// installing fails: undoing it leaves their text alone.
func TestForeignEditBeforeTheRestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	s, p := r.plan(Change{Profile: "intermediate"})
	global := filepath.Join(r.cfg.EtcDir, ourGlobal)
	ctx, stop := contextWithCancel(t)
	s.hooks.step = func(step string) {
		if step == "write "+global {
			must(os.WriteFile(global, []byte("# of somebody else\n"), 0o644))
			stop()
		}
	}
	if _, err := s.Apply(ctx, p); err == nil {
		t.Fatal("the apply went on")
	}
	if got, err := os.ReadFile(global); err != nil || string(got) != "# of somebody else\n" {
		t.Errorf("after the undoing: %q, %v", got, err)
	}
	r.serves("a.test", r.oldA.Leaf)
}

// The admin copied the virtual host that was adopted. Which of the two Includes
// was ours cannot be told any more, so neither is touched.
func TestAdoptedTextStandsTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, leaf := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	r.writeSites(r.sites() + r.sites())
	if err := r.a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.snapshot()
	_, err := Rollback(t.Context(), r.cfg, Undo{})
	asRefused(t, err)
	_, err = Uninstall(t.Context(), r.cfg, Undo{})
	asRefused(t, err)
	r.unchanged(before)
	r.serves("a.test", leaf)
}

// The admin's file has the line ends of another system: ours has them too.
func TestIncludeHasTheLineEndOfItsFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.writeSites(strings.ReplaceAll(r.sites(), "\n", "\r\n"))
	dir, leaf := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if got := r.sites(); strings.Count(got, "\n") != strings.Count(got, "\r\n") || !strings.Contains(got, "a.test.conf\"\r\n") {
		t.Errorf("mixed line ends:\n%q", got)
	}
	r.serves("a.test", leaf)
}
