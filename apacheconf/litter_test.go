package apacheconf

import (
	"os"
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
