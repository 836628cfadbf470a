package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/plan"
)

// A renewed pair with a fault in it never reaches the live server, and the
// error names the file.
func TestFaultInTheRenewedPair(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, leaf := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	before, pid := r.snapshot(), r.a.PID()
	for _, f := range r.faults() {
		if f.cert == "" || f.cert == "-" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			r.t = t
			dir := filepath.Join(r.dir, "certs", "bad-"+strings.Fields(f.name)[0])
			must(os.MkdirAll(dir, 0o700))
			must(os.WriteFile(filepath.Join(dir, "fullchain.pem"), []byte(read(f.cert)), 0o644))
			must(os.WriteFile(filepath.Join(dir, "key.pem"), []byte(read(f.key)), 0o600))
			_, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": dir})
			if err == nil || !strings.Contains(err.Error(), dir) && !strings.Contains(err.Error(), plan.SitePath(r.cfg, "a.test")+":") {
				t.Errorf("error = %v", err)
			}
			r.unchanged(before)
			r.serves("a.test", leaf)
			if r.a.PID() != pid {
				t.Error("another Apache runs now")
			}
		})
	}
	r.t = t
}
