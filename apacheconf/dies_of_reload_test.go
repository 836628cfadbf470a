package apacheconf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An Apache that dies of the reload although everything was proved: the stand-in
// for httpd stops the server when asked to reload it, and says all is well, as
// httpd itself does with a configuration it cannot run. The old files come
// back, and with them the old site.
func TestApacheThatDiesOfTheReloadComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	script := filepath.Join(r.dir, "apache2")
	text := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *'-k graceful'*) %s -d %s -f %s -k stop; exit 0;; esac\nexec %s \"$@\"\n",
		r.a.Binary, r.a.Dir, r.a.ConfigFile, r.a.Binary)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	r.cfg.Binary = script
	dir, _ := r.generation()
	before := r.snapshot()
	_, err := r.try(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok {
		t.Fatalf("error = %v, want *RolledBackError", err)
	}
	if !back.Healthy {
		t.Errorf("not healthy: %v", back)
	}
	t.Logf("undone in %v", back.Took)
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
	r.serves("b.test", r.oldB.Leaf)
}

// Apache loads other groups than those that were proved, with the same
// certificates and versions: only a look at the groups on the wire shows it.
func TestOtherGroupsOnTheWire(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	global := filepath.Join(r.cfg.EtcDir, ourGlobal)
	script := r.write("apache2", fmt.Sprintf(`#!/bin/sh
real() { %s "$@"; }
case "$*" in *'-k graceful'*)
	cp -p %[2]s %[2]s.right && sed 's/Curves .*/Curves secp384r1/' %[2]s.right >%[2]s || real "$@"
	real "$@"; sleep 0.3; mv %[2]s.right %[2]s; exit 0;;
esac
real "$@"
`, r.a.Binary, global))
	must(os.Chmod(script, 0o755))
	r.cfg.Binary = script
	before := r.snapshot()
	_, err := r.try(Change{Profile: "intermediate"})
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok || !strings.Contains(back.Cause.Error(), "groups secp384r1) instead of") {
		t.Fatalf("error = %v", err)
	}
	if !back.Healthy {
		t.Error(back)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}
