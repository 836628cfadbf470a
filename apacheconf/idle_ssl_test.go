package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/httpd"
)

// A Debian host without mod_ssl: the log alone enables it too, with the cache
// that its own configuration names.
func TestLogOnlyEnablesModules(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t)
	r.apply(Change{LogOnly: true})
	for _, m := range []string{"ssl", "socache_shmcb"} {
		if !httpd.Exists(filepath.Join(root, "mods-enabled", m+".load")) {
			t.Errorf("%s is not enabled", m)
		}
	}
	r.serves("a.test", r.oldA.Leaf)
	info, err := os.Stat(r.cfg.TLSLog)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the log: %v, %v", info, err)
	}
}

// Where no virtual host uses TLS, mod_ssl would only wake ports.conf's
// "Listen 443", and plain HTTP would answer there.
func TestNoTLSHostIsRefused(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t)
	must(os.Remove(filepath.Join(root, "sites-enabled", "a.conf")))
	for _, c := range []Change{{Profile: "intermediate"}, {LogOnly: true}} {
		_, err := r.try(c)
		if refused := asRefused(t, err); !strings.Contains(refused.Error(), "no virtual host uses TLS") {
			t.Error(refused)
		}
	}
}

// Our virtual host brought mod_ssl, and takes it away again: nothing must
// answer on its port afterwards.
func TestUninstallTakesItsModules(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t)
	must(os.Remove(filepath.Join(root, "sites-enabled", "a.conf")))
	p := r.issue(filepath.Join("c.test", "gen", "1"), apachetest.Leaf{Names: []string{"c.test"}})
	before := len(r.discover().Listen)
	r.apply(Change{Generations: map[string]string{"c.test": filepath.Dir(p.CertFile)},
		VHost: &NewVHost{Name: "c.test", Address: "*:" + portOf(r.a.Addr()), DocumentRoot: r.dir}})
	r.serves("c.test", p.Leaf)
	if _, err := Uninstall(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if s := r.discover(); s.Has("ssl_module") || len(s.Listen) != before {
		t.Errorf("left: %v, %v", s.Modules, s.Listen)
	}
	if r.discover().Running() != nil {
		t.Error("apache is gone")
	}
	r.apply(Change{Generations: map[string]string{"c.test": filepath.Dir(p.CertFile)},
		VHost: &NewVHost{Name: "c.test", Address: "*:" + portOf(r.a.Addr()), DocumentRoot: r.dir}})
	r.serves("c.test", p.Leaf)
}

// What the admin uses by now stays, and the plan says how to take it away.
func TestUninstallKeepsModulesInUse(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t)
	r.apply(Change{Profile: "intermediate"})
	_, next := r.plan(Change{Remove: true})
	if _, err := Uninstall(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if !httpd.Exists(filepath.Join(root, "mods-enabled", "ssl.load")) {
		t.Error("ssl is gone, and a.test uses it")
	}
	if len(next.Warnings) == 0 || !strings.Contains(next.Warnings[0].Fix, "a2dismod") {
		t.Errorf("warnings: %+v", next.Warnings)
	}
	r.serves("a.test", r.oldA.Leaf)
}

func portOf(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }
