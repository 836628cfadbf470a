package apacheconf

import (
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/apacheconf/httpd"
)

// A plan is for looking: it makes no state directory, and leaves no shadow.
func TestPlanLeavesNothing(t *testing.T) {
	r := newRig(t, "")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	_, p := r.plan(Change{Profile: "intermediate"})
	if p.Empty() {
		t.Error("nothing planned")
	}
	if httpd.Exists(r.cfg.StateDir) {
		t.Error("the state directory was made")
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// The shadow of a run that was killed goes at the next run, that of one which
// lives stays.
func TestShadowOfTheKilled(t *testing.T) {
	r := newRig(t, "")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	s := r.discover()
	alive, lock, err := shadowDir(s.Server)
	must(err)
	defer lock.Release()
	dead := filepath.Join(tmp, shadowPrefix+"dead")
	must(os.Mkdir(dead, 0o700))
	must(os.WriteFile(filepath.Join(dead, shadowLock), []byte("1\n"), 0o600))
	fresh := filepath.Join(tmp, shadowPrefix+"fresh")
	must(os.Mkdir(fresh, 0o700))
	r.discover()
	if httpd.Exists(dead) || !httpd.Exists(alive) || !httpd.Exists(fresh) {
		t.Errorf("dead %v, alive %v, in the making %v", httpd.Exists(dead), httpd.Exists(alive), httpd.Exists(fresh))
	}
}
