package apacheconf

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
)

// spare is a second certificate of the names of a.test.
func (r *rig) spare() (dir string, leaf *x509.Certificate) {
	r.t.Helper()
	p := r.issue("ours/spare", apachetest.Leaf{Names: []string{"a.test", "www.a.test"}, KeyType: "rsa2048"})
	return filepath.Dir(p.CertFile), p.Leaf
}

func (r *rig) rollback() {
	r.t.Helper()
	if _, err := Rollback(r.t.Context(), r.cfg, Undo{}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) calm() {
	r.t.Helper()
	if drift := r.status().Drift; len(drift) > 0 {
		r.t.Errorf("drift %v", drift)
	}
}

// From one certificate of ours to another: what the refusal says works, each
// step back shows what was there before, and the admin's bytes are back at last.
func TestAdoptInstead(t *testing.T) {
	t.Parallel()
	host := func(r *rig, name string) string {
		return "<VirtualHost " + r.a.Addr() + ">\nServerName " + name + "\nSSLEngine on\nSSLCertificateFile " + r.oldA.CertFile + "\nSSLCertificateKeyFile " + r.oldA.KeyFile + "\nRedirectMatch 403 ^/secret\n</VirtualHost>\n"
	}
	for name, edit := range map[string]func(*rig){
		"one host":                      func(*rig) {},
		"two hosts with the same lines": func(r *rig) { r.writeSites(host(r, "a.test") + host(r, "www.a.test")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := makeRig(t, "")
			edit(r)
			r.start()
			dir, leaf := r.generation()
			other, otherLeaf := r.spare()
			both := map[string]string{"a.test": dir, "spare": other}
			before := r.snapshot()
			r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
			adopted := r.sites()
			to := Change{Generations: map[string]string{"spare": other}, Adopt: []string{"spare"}}
			if _, p := r.plan(to); len(p.Missing) != 1 || p.Missing[0].Fix != "tlskeeper apache adopt spare --instead" {
				t.Fatalf("missing %+v", p.Missing)
			}
			to.Instead = true
			if res := r.apply(to); len(res.Missing) > 0 {
				t.Errorf("missing %v", res.Missing)
			}
			for _, name := range []string{"a.test", "www.a.test"} {
				r.serves(name, otherLeaf)
			}
			if want := strings.ReplaceAll(adopted, "apache/a.test.conf", "apache/spare.conf"); r.sites() != want {
				t.Errorf("sites\n%s\nwant\n%s", r.sites(), want)
			}
			r.calm()
			if r.apply(to).Changed {
				t.Error("a second run changed something")
			}
			if res := r.apply(Change{Profile: "intermediate", Generations: both}); len(res.Missing) != 1 || res.Missing[0].Certificate != "a.test" {
				t.Errorf("missing %v", res.Missing)
			}
			r.rollback()
			r.calm()
			r.rollback()
			r.serves("a.test", leaf)
			r.serves("www.a.test", leaf)
			r.calm()
			if r.sites() != adopted {
				t.Errorf("after the first rollback\n%s", r.sites())
			}
			r.rollback()
			r.serves("a.test", r.oldA.Leaf)
			r.unchanged(before)
		})
	}
}

// The file was edited elsewhere since: that stays, forward and back; and an
// uninstall still finds the admin's own lines.
func TestInsteadAmongLaterEdits(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	original := r.sites()
	dir, leaf := r.generation()
	other, otherLeaf := r.spare()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	r.writeSites("# one\n" + r.sites())
	to := Change{Generations: map[string]string{"spare": other}, Adopt: []string{"spare"}, Instead: true}
	r.apply(to)
	r.writeSites("# two\n" + r.sites())
	r.serves("a.test", otherLeaf)
	r.rollback()
	r.serves("a.test", leaf)
	r.calm()
	r.apply(to)
	r.serves("a.test", otherLeaf)
	if _, err := Uninstall(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", r.oldA.Leaf)
	if want := "# two\n# one\n" + original; r.sites() != want {
		t.Errorf("sites\n%s", r.sites())
	}
}

// An Include that a person wrote is a person's to change, and the way that is
// told leads there.
func TestInsteadByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	other, otherLeaf := r.spare()
	both := map[string]string{"a.test": dir, "spare": other}
	r.apply(Change{Generations: map[string]string{"a.test": dir}})
	r.writeSites(strings.NewReplacer(`  SSLCertificateFile "`+r.oldA.CertFile+"\"\n", `  Include "`+plan.SitePath(r.cfg, "a.test")+"\"\n", `  SSLCertificateKeyFile "`+r.oldA.KeyFile+"\"\n", "").Replace(r.sites()))
	must(r.a.Reload(t.Context()))
	_, p := r.plan(Change{Generations: map[string]string{"spare": other}, Adopt: []string{"spare"}, Instead: true})
	if len(p.Missing) != 1 || p.Missing[0].File != r.a.SitesFile || !strings.Contains(p.Missing[0].What, "by hand") {
		t.Fatalf("missing %+v", p.Missing)
	}
	r.apply(Change{Profile: "intermediate", Generations: both})
	r.writeSites(strings.Replace(r.sites(), `Include "`+plan.SitePath(r.cfg, "a.test")+`"`, p.Missing[0].Fix, 1))
	must(r.a.Reload(t.Context()))
	must(httpd.Poll(t.Context(), httpd.HoldTimeout, func() (bool, error) { return len(r.status().Drift) == 0, nil }))
	r.serves("a.test", otherLeaf)
}
