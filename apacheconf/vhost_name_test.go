package apacheconf

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// moveSite gives the admin's one site of a Debian rig another file name.
func moveSite(t *testing.T, r *rig, root, name string) {
	t.Helper()
	must(os.Rename(filepath.Join(root, "sites-available", "a.conf"), filepath.Join(root, "sites-available", name)))
	must(os.Remove(filepath.Join(root, "sites-enabled", "a.conf")))
	must(os.Symlink("../sites-available/"+name, filepath.Join(root, "sites-enabled", name)))
	r.a.SitesFile = filepath.Join(root, "sites-available", name)
}

// The admin's site comes after "tlskeeper-" by its name: ours takes one that is
// later, so that unknown names still reach the admin's.
func TestVHostBehindALateSite(t *testing.T) {
	t.Parallel()
	for site, want := range map[string]string{"a.conf": "tlskeeper-c.test.conf", "www.conf": "zz-tlskeeper-c.test.conf", "zz-top.conf": "zzz-tlskeeper-c.test.conf"} {
		t.Run(site, func(t *testing.T) {
			t.Parallel()
			r, root := debianRig(t, "socache_shmcb", "ssl")
			moveSite(t, r, root, site)
			pair := r.issue("c.test/gen/1", apachetest.Leaf{Names: []string{"c.test"}})
			change := Change{Generations: map[string]string{"c.test": filepath.Dir(pair.CertFile)},
				VHost: &NewVHost{Name: "c.test", Address: "*:" + strconv.Itoa(r.a.TLSPort), DocumentRoot: r.dir}}
			if _, p := r.plan(change); len(p.Blocked) > 0 {
				t.Fatalf("blocked %v", p.Blocked)
			}
			r.apply(change)
			r.serves("c.test", pair.Leaf)
			r.serves("unknown.test", r.oldA.Leaf)
			if _, err := os.Readlink(filepath.Join(root, "sites-enabled", want)); err != nil {
				t.Error(err)
			}
			file := filepath.Join(root, "sites-available", want)
			written := r.text(file)
			must(os.WriteFile(file, []byte(written+"# by hand\n"), 0o644))
			if drift := r.status().Drift; len(drift) > 0 {
				t.Errorf("it was given to the admin to edit: drift %v", drift)
			}
			must(os.WriteFile(file, []byte(written), 0o644))
			if res := r.apply(change); res.Changed || len(r.status().Drift) > 0 {
				t.Errorf("again: %+v, drift %v", res, r.status().Drift)
			}
			if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(filepath.Join(root, "sites-*", "*tlskeeper*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// No name is late enough: what is said can be followed.
func TestVHostBehindTheLastSite(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t, "socache_shmcb", "ssl")
	moveSite(t, r, root, "~last.conf")
	pair := r.issue("c.test/gen/1", apachetest.Leaf{Names: []string{"c.test"}})
	change := Change{Generations: map[string]string{"c.test": filepath.Dir(pair.CertFile)},
		VHost: &NewVHost{Name: "c.test", Address: "*:" + strconv.Itoa(r.a.TLSPort), DocumentRoot: r.dir}}
	_, p := r.plan(change)
	link := filepath.Join(root, "sites-enabled", "~last.conf")
	if len(p.Blocked) != 1 || p.Blocked[0].Fix != "rename "+link+" so that it comes before tlskeeper-c.test.conf" {
		t.Fatalf("blocked %+v", p.Blocked)
	}
	must(os.Rename(link, filepath.Join(root, "sites-enabled", "last.conf")))
	r.apply(change)
	r.serves("unknown.test", r.oldA.Leaf)
}

// In a layout of one's own the place of the Include decides.
func TestVHostIncludedTooEarly(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	pair := r.issue("c.test/gen/1", apachetest.Leaf{Names: []string{"c.test"}})
	_, p := r.plan(Change{Generations: map[string]string{"c.test": filepath.Dir(pair.CertFile)},
		VHost: &NewVHost{Name: "c.test", Address: r.a.Addr(), DocumentRoot: r.a.DocRoot}})
	line := lineWith(r.mainConf(), "vhost-*.conf")
	want := "move the Include of " + r.a.ConfigFile + ":" + strconv.Itoa(line) + " to where it is read after " + r.a.SitesFile + ":1"
	if len(p.Blocked) != 1 || p.Blocked[0].Fix != want {
		t.Errorf("blocked %+v, want %s", p.Blocked, want)
	}
}

// A wildcard is an alias; the first plain name is the host's.
func TestVHostOfAWildcard(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t, "socache_shmcb", "ssl")
	pair := r.issue("w.test/gen/1", apachetest.Leaf{Names: []string{"*.w.test", "w.test", "v.test"}})
	change := Change{Generations: map[string]string{"w.test": filepath.Dir(pair.CertFile)},
		VHost: &NewVHost{Name: "w.test", Names: pair.Leaf.DNSNames, Address: "*:" + strconv.Itoa(r.a.TLSPort), DocumentRoot: r.dir}}
	if res := r.apply(change); len(res.Missing) > 0 {
		t.Errorf("missing %v", res.Missing)
	}
	for _, name := range []string{"w.test", "any.w.test", "v.test"} {
		r.serves(name, pair.Leaf)
	}
	r.serves("unknown.test", r.oldA.Leaf)
	text := r.text(filepath.Join(root, "sites-available", "tlskeeper-w.test.conf"))
	if !strings.Contains(text, "ServerName w.test\n") || strings.Count(text, "ServerAlias") != 2 {
		t.Error(text)
	}
	only := NewVHost{Name: "w.test", Names: []string{"*.w.test"}}
	if err := only.Check(); err == nil || !strings.Contains(err.Error(), "plain") {
		t.Errorf("wildcards alone: %v", err)
	}
}

// A certificate for wildcards alone and no host: what is said to type works.
func TestNoHostForAWildcard(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.ours("w.test", "*.w.test")
	_, p := r.plan(Change{Generations: map[string]string{"w.test": dir}})
	if len(p.Missing) != 1 || p.Missing[0].Fix != "tlskeeper apache vhost w.test --name www.w.test" {
		t.Errorf("missing %+v", p.Missing)
	}
}
