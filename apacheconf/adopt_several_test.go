package apacheconf

import (
	"crypto/x509"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// ours is a certificate of a name, as acme would leave it.
func (r *rig) ours(name string, names ...string) (dir string, leaf *x509.Certificate) {
	r.t.Helper()
	p := r.issue(filepath.Join("ours", name), apachetest.Leaf{Names: names})
	return filepath.Dir(p.CertFile), p.Leaf
}

// Certificates of several virtual hosts of one file, in whichever order they
// are named: each edit is where the file has its lines.
func TestAdoptSeveralOfOneFile(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{"as in the file": {"a.test", "b.test"}, "from the bottom": {"b.test", "a.test"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "\tServerAlias keep.a.test\n")
			dirA, leafA := r.ours("a.test", "a.test", "www.a.test")
			dirB, leafB := r.ours("b.test", "b.test")
			before := r.snapshot()
			r.apply(Change{Generations: map[string]string{"a.test": dirA, "b.test": dirB}, Adopt: order})
			r.serves("a.test", leafA)
			r.serves("b.test", leafB)
			if got := r.sites(); strings.Contains(got, "SSLCertificate") || !strings.Contains(got, "keep.a.test") {
				t.Errorf("sites:\n%s", got)
			}
			if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
				t.Fatal(err)
			}
			r.unchanged(before)
		})
	}
}

// Two certificates are valid for one virtual host: the one that names it is put
// there, not the other, and a host that serves one of ours keeps it.
func TestAdoptOverlapping(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	both, leafBoth := r.ours("both", "b.test", "a.test")
	dirA, leafA := r.ours("a.test", "a.test")
	c := Change{Generations: map[string]string{"both": both, "a.test": dirA}, Adopt: []string{"both", "a.test"}}
	if res := r.apply(c); len(res.Missing) > 0 {
		t.Errorf("missing %v", res.Missing)
	}
	r.serves("a.test", leafA)
	r.serves("b.test", leafBoth)
	sites := r.sites()
	if _, p := r.plan(c); !p.Empty() || len(p.Missing) > 0 {
		t.Errorf("a second adoption would change\n%s\nmissing %v", p.Diff(), p.Missing)
	}
	if _, p := r.plan(Change{Generations: map[string]string{"both": both}, Adopt: []string{"both"}}); !p.Empty() {
		t.Errorf("the other alone would change\n%s", p.Diff())
	}
	if r.sites() != sites {
		t.Errorf("sites:\n%s", r.sites())
	}
}

// A certificate all of whose hosts serve another one of ours is told apart from
// one without a host.
func TestAllHostsServeAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, leaf := r.ours("b.test", "b.test")
	r.apply(Change{Generations: map[string]string{"b.test": first}, Adopt: []string{"b.test"}})
	second, _ := r.ours("spare", "b.test")
	_, p := r.plan(Change{Generations: map[string]string{"spare": second}, Adopt: []string{"spare"}})
	if len(p.Missing) != 1 || !strings.Contains(p.Missing[0].What, "serve certificate b.test") {
		t.Errorf("missing %+v", p.Missing)
	}
	r.serves("b.test", leaf)
}

// An RSA and an ECDSA certificate of the same name: one is put into the host.
// The other is told, changes nothing, and an apply, status and the way back are
// not disturbed by it.
func TestSecondCertificateOfAName(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ec, leaf := r.ours("a.test", "a.test", "www.a.test")
	pair := r.issue("ours/a.test-rsa", apachetest.Leaf{Names: []string{"a.test", "www.a.test"}, KeyType: "rsa2048"})
	both := map[string]string{"a.test": ec, "a.test-rsa": filepath.Dir(pair.CertFile)}
	before := r.snapshot()
	r.apply(Change{Generations: map[string]string{"a.test": ec}, Adopt: []string{"a.test"}})
	sites := r.sites()
	_, p := r.plan(Change{Generations: map[string]string{"a.test-rsa": both["a.test-rsa"]}, Adopt: []string{"a.test-rsa"}})
	if len(p.Missing) != 1 || p.Missing[0].Certificate != "a.test-rsa" || !strings.Contains(p.Missing[0].What, "serve certificate a.test") || strings.Contains(p.Diff(), r.a.SitesFile) {
		t.Errorf("missing %+v, plan\n%s", p.Missing, p.Diff())
	}
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %v", drift)
	}
	for range 2 {
		if res := r.apply(Change{Profile: "intermediate", Generations: both}); len(res.Missing) != 1 || res.Missing[0].Certificate != "a.test-rsa" {
			t.Errorf("missing %+v", res.Missing)
		}
	}
	r.serves("a.test", leaf)
	if r.sites() != sites || len(r.status().Drift) > 0 {
		t.Errorf("drift %v, sites\n%s", r.status().Drift, r.sites())
	}
	for range 2 {
		if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
			t.Fatal(err)
		}
	}
	r.unchanged(before)
}

// Both kinds of key in the admin's host, and two certificates of ours that
// match it: one Include takes the place of all four lines, every client gets
// that certificate, and the plan says whom that costs.
func TestAdoptBothKindsOfKey(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	oldEC := r.issue("old-ec", apachetest.Leaf{Names: []string{"a.test"}})
	r.writeSites(strings.Replace(r.sites(), "SSLEngine on\n", "SSLEngine on\n  SSLCertificateFile "+oldEC.CertFile+"\n  SSLCertificateKeyFile "+oldEC.KeyFile+"\n", 1))
	r.start()
	ec, leaf := r.ours("a.test", "a.test", "www.a.test")
	pair := r.issue("ours/a.test-rsa", apachetest.Leaf{Names: []string{"a.test"}, KeyType: "rsa2048"})
	before := r.snapshot()
	change := Change{Generations: map[string]string{"a.test": ec, "a.test-rsa": filepath.Dir(pair.CertFile)}, Adopt: []string{"a.test-rsa", "a.test"}}
	_, p := r.plan(change)
	if line := lineWith(r.sites(), r.oldA.CertFile); !slices.ContainsFunc(p.Warnings, func(f Finding) bool { return f.Code == "rsa-clients" && f.Line == line }) {
		t.Errorf("no word about line %d in %v", line, p.Warnings)
	}
	r.apply(change)
	r.serves("a.test", leaf)
	if got := r.sites(); strings.Count(got, "Include ") != 1 || strings.Contains(got, oldEC.CertFile) || strings.Contains(got, r.oldA.CertFile) {
		t.Errorf("sites:\n%s", got)
	}
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %v", drift)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(before)
}

// A wildcard and a certificate of one name, and a line that guards a path right
// behind the certificate lines: it stays.
func TestAdoptKeepsTheLineBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t, "RedirectMatch 403 ^/secret\n")
	r.writeSites(strings.ReplaceAll(r.sites(), "ServerName b.test\n", "ServerName b.a.test\n"))
	must(r.a.Reload(t.Context()))
	wild, wildLeaf := r.ours("wild", "*.a.test", "a.test")
	one, leaf := r.ours("a.test", "a.test", "www.a.test")
	before := r.snapshot()
	r.apply(Change{Generations: map[string]string{"wild": wild, "a.test": one}, Adopt: []string{"wild", "a.test"}})
	r.serves("a.test", leaf)
	r.serves("b.a.test", wildLeaf)
	if !strings.Contains(r.sites(), "RedirectMatch 403 ^/secret\n") || getHTTPS(t, r, "/secret").StatusCode != http.StatusForbidden {
		t.Errorf("sites:\n%s", r.sites())
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(before)
}
