package apacheconf

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/testenv"
)

// rhelRig is the layout of RHEL's packages, run by the httpd of this host. It
// shows that the layout is understood; it is no test on RHEL.
func rhelRig(t *testing.T) (*rig, string) {
	t.Helper()
	testenv.Need(t, "apache2")
	ca, err := apachetest.NewCA()
	must(err)
	ports, err := apachetest.FreePorts(2)
	must(err)
	r := &rig{t: t, ca: ca, dir: t.TempDir()}
	root := filepath.Join(r.dir, "httpd")
	r.oldA = r.issue("localhost", apachetest.Leaf{Names: []string{"a.test"}})
	fill := strings.NewReplacer("@ROOT@", root, "@HTTP@", strconv.Itoa(ports[0]), "@TLS@", strconv.Itoa(ports[1]), "@CERT@", r.oldA.CertFile, "@KEY@", r.oldA.KeyFile)
	for _, name := range []string{"conf/httpd.conf", "conf.d/ssl.conf", "conf.modules.d/00-base.conf", "conf.modules.d/00-ssl.conf"} {
		path := filepath.Join(root, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		must(os.WriteFile(path, []byte(fill.Replace(read(filepath.Join("testdata/rhel", name)))), 0o644))
	}
	for _, dir := range []string{"run", "www/html", "www/cgi-bin"} {
		must(os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	must(os.Mkdir(filepath.Join(root, "logs"), 0o700)) // as the package has it
	must(os.WriteFile(filepath.Join(root, "pass-dialog"), []byte("#!/bin/sh\n"), 0o755))
	must(os.Symlink(filepath.Dir(strings.Fields(loadModule("ssl"))[2]), filepath.Join(root, "modules")))
	must(os.Chmod(r.dir, 0o755))
	r.cfg = Config{ServerRoot: root, EtcDir: filepath.Join(r.dir, "etc"), StateDir: filepath.Join(r.dir, "state"), TLSLog: filepath.Join(root, "logs", "tls.log")}
	r.startDebian(ports[1])
	r.a.SitesFile = filepath.Join(root, "conf.d", "ssl.conf")
	return r, root
}

// RHEL: our file in conf.d, the distribution's own host named as what overrides
// it, a host of ours behind it, labels set, and all of it undone.
func TestRHELLayout(t *testing.T) {
	r, root := rhelRig(t)
	labelled := filepath.Join(r.dir, "labelled")
	bin := filepath.Join(r.dir, "bin")
	must(os.Mkdir(bin, 0o755))
	must(os.WriteFile(filepath.Join(bin, "restorecon"), []byte("#!/bin/sh\necho \"$@\" >>"+labelled+"\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	before := read(r.a.SitesFile)
	pair := r.issue("c.test/gen/1", apachetest.Leaf{Names: []string{"c.test"}})
	change := Change{Profile: "intermediate", Generations: map[string]string{"c.test": filepath.Dir(pair.CertFile)},
		VHost: &NewVHost{Name: "c.test", Address: "*:" + strconv.Itoa(r.a.TLSPort), DocumentRoot: filepath.Join(root, "www/html")}}
	s, p := r.plan(change)
	if s.Layout != httpd.RHEL || len(s.VHosts) != 1 || s.VHosts[0].Settings.Suites12.Value != "DEFAULT" {
		t.Fatalf("discovered %s, %+v", s.Layout, s.VHosts)
	}
	overrides := map[string]bool{}
	for _, f := range p.Warnings {
		if f.Code == "override" && strings.Contains(lineOf(before, f.Line), "SSL") && f.File == r.a.SitesFile {
			overrides[strings.Fields(lineOf(before, f.Line))[0]] = true
		}
	}
	if !overrides["SSLHonorCipherOrder"] || !overrides["SSLCipherSuite"] {
		t.Errorf("warnings %+v", p.Warnings)
	}
	if _, err := s.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r.serves("c.test", pair.Leaf)
	r.serves("a.test", r.oldA.Leaf) // the distribution's host is still the first one
	if got := read(labelled); !strings.Contains(got, filepath.Join(root, "conf.d", ourGlobal)) {
		t.Errorf("labelled: %s", got)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "conf.d", "tlskeeper*")); len(left) > 0 || read(r.a.SitesFile) != before {
		t.Errorf("left: %v", left)
	}
	r.serves("", r.oldA.Leaf)
}

// The certificate of the distribution's nameless host is adopted by hand: the
// plan says where.
func TestRHELNamelessHost(t *testing.T) {
	t.Parallel()
	r, _ := rhelRig(t)
	dir, _ := r.generation()
	_, p := r.plan(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if len(p.Missing) != 1 || p.Missing[0].Code != "no-vhost" || !strings.Contains(p.Missing[0].Fix, "apache vhost a.test") {
		t.Errorf("missing %+v", p.Missing)
	}
}
