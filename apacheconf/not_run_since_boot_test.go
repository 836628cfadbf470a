package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// After a boot Debian's run-time directory does not exist until apache2ctl
// makes it. The configuration is read all the same, and nothing is left behind;
// a start makes what apache2ctl makes.
func TestNotRunSinceBoot(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t, "socache_shmcb", "ssl")
	s := r.discover()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	run, lock := filepath.Join(r.dir, "run"), filepath.Join(r.dir, "lock")
	must(os.RemoveAll(run))
	must(os.RemoveAll(lock))
	tree := filepath.Join(root, "mods-enabled", "ssl.conf")
	if text, err := os.ReadFile(tree); err != nil || !strings.Contains(string(text), "${APACHE_RUN_DIR}") {
		t.Fatalf("%s does not name the directory: %v", tree, err)
	}
	s, p := r.plan(Change{Profile: "intermediate"})
	if s.PidFile != filepath.Join(run, "apache2.pid") || len(s.VHosts) != 1 {
		t.Errorf("discovered %+v", s)
	}
	if cache := conf.Last(s.Conf, "SSLSessionCache"); cache == nil || !strings.Contains(cache.Args, run+"/ssl_scache") {
		t.Errorf("session cache %+v", cache)
	}
	if len(p.Blocked) > 0 {
		t.Errorf("blocked %+v", p.Blocked)
	}
	if httpd.Exists(run) || httpd.Exists(lock) {
		t.Error("reading the configuration made directories")
	}
	_, err := s.Apply(t.Context(), p)
	if f := asRefused(t, err).Findings; len(f) != 1 || f[0].Code != "not-running" {
		t.Error(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.apply(p.Change)
	r.serves("a.test", r.oldA.Leaf)
}
