package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A state directory on a full disk keeps nobody from looking: the shadow goes
// to the temporary directory. What writes there is refused before a change.
func TestFullStateDirectory(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	must(os.MkdirAll(r.cfg.StateDir, 0o700))
	r.mountedAt(r.cfg.StateDir, "size=64k")
	must(os.WriteFile(filepath.Join(r.cfg.StateDir, "ballast"), make([]byte, 60<<10), 0o600))
	if err := os.WriteFile(filepath.Join(r.cfg.StateDir, "more"), make([]byte, 8<<10), 0o600); err == nil {
		t.Skip("the small file system takes more than it should")
	}
	must(os.Truncate(filepath.Join(r.cfg.StateDir, "more"), 0))
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %+v", drift)
	}
	before := r.snapshot()
	_, err := r.try(Change{LogOnly: true})
	if err == nil || !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		t.Errorf("error = %v", err)
	}
	r.unchanged(before)
	if left, _ := filepath.Glob(filepath.Join(r.cfg.StateDir, "tlskeeper-shadow-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// An Include that fails two files deep is named where it stands.
func TestNestedIncludeIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	Server := r.write("Server.conf", "#\n#\nInclude /nonexistent/x.conf\n")
	outer := r.write("outer.conf", "Include "+Server+"\n")
	r.writeSites(r.sites() + "Include " + outer + "\n")
	_, err := Discover(t.Context(), r.cfg)
	if f := asRefused(t, err).Findings[0]; f.File != Server || f.Line != 3 || !strings.Contains(f.What, "/nonexistent/x.conf") {
		t.Errorf("finding %+v", f)
	}
}
