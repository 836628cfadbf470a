package apacheconf

import (
	"crypto/x509"
	"path/filepath"
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
