package apacheconf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/filechange"
	"tlskeeper/internal/hint"
)

// Apache dies of a reload because of a fault that was there before us and that
// nothing can show but a start (mod_proxy_balancer without its memory). The
// files come back, Apache cannot; we say so, in httpd's own words.
func TestAdminsFaultKeepsApacheDown(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	must(os.WriteFile(r.a.ConfigFile, []byte(loadModule("proxy")+loadModule("proxy_balancer")+read(r.a.ConfigFile)), 0o644))
	before := r.snapshot()
	_, err := r.try(Change{LogOnly: true})
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok || back.Healthy {
		t.Fatalf("error = %v", err)
	}
	t.Log(err)
	for _, want := range []string{"all files are as before this change, and Apache does not start with them", "httpd says: AH01177"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	r.unchanged(before)
}

// A file of ours that httpd cannot read: undone, told as such, and no word of
// something that was cut off: following that would undo the change before.
func TestUnreadableFileOfOursIsUndone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.apply(Change{LogOnly: true})
	before := r.snapshot()
	s := r.discover()
	path := filepath.Join(r.cfg.EtcDir, ourGlobal)
	change, err := filechange.PlanFile(path, []byte(read(path)+"NoSuchDirective on\n"), 0o644)
	must(err)
	p := &Plan{Files: []filechange.Change{change}, Planned: s.Conf, Modules: s.Modules}
	_, err = s.locked(t.Context(), func(bool) (*Result, error) { return s.carryOut(t.Context(), p) })
	if _, refused := errors.AsType[*RefusedError](err); refused {
		t.Errorf("told as refused: %v", err)
	}
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok || !back.Healthy || !strings.Contains(err.Error(), path+":") || strings.Contains(err.Error(), "nothing was changed") {
		t.Fatalf("error = %v", err)
	}
	if h := hint.Of(err); h != "" {
		t.Errorf("hint: %s", h)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}
