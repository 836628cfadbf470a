package apacheconf

import (
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/plan"
)

// Each leaf decides for itself: one with a responder is stapled, one without
// is not, and the admin's cache is what it takes.
func TestStaplingByLeaf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cache      string
		withOCSP   string // SSLUseStapling in the host of the leaf with a responder
		withoutOne string
	}{
		"with a cache":    {"SSLStaplingCache shmcb:stapling(32768)\n", "on", ""},
		"without a cache": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := makeRig(t, "")
			r.writeSites(c.cache + r.sites())
			r.start()
			with := r.issue("ours/with", apachetest.Leaf{Names: []string{"a.test", "www.a.test"}, OCSP: "http://127.0.0.1:9/"})
			without := r.issue("ours/without", apachetest.Leaf{Names: []string{"b.test"}})
			r.apply(Change{Profile: "intermediate", Adopt: []string{"with", "without"},
				Generations: map[string]string{"with": filepath.Dir(with.CertFile), "without": filepath.Dir(without.CertFile)}})
			r.serves("a.test", with.Leaf)
			r.serves("b.test", without.Leaf)
			for _, v := range r.discover().VHosts {
				want := map[string]string{"with": c.withOCSP, "without": c.withoutOne}[v.Include]
				if got := v.Settings.Stapling; got.Value != want || want != "" && got.File != plan.SitePath(r.cfg, "with") {
					t.Errorf("%s (%s): SSLUseStapling %q of %s, want %q", v.Name(), v.Include, got.Value, got.File, want)
				}
			}
			if _, p := r.plan(Change{Profile: "intermediate"}); warnsOf(p, "stapling") {
				t.Errorf("warnings %v", p.Warnings)
			}
		})
	}
}

func warnsOf(p *Plan, code string) bool {
	for _, f := range p.Warnings {
		if f.Code == code {
			return true
		}
	}
	return false
}

// On a host with that OpenSSL, the plan says it with the place.
func TestPlanSaysPostQuantumIsOff(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "SSLOpenSSLConfCmd Curves prime256v1\n")
	for version, want := range map[string]bool{"3.5.0": true, "3.0.19": false} {
		s := r.discover()
		s.OpenSSL = version
		p, err := s.Plan(t.Context(), Change{Profile: "intermediate"})
		must(err)
		said := false
		for _, f := range p.Warnings {
			said = said || f.Code == "override" && f.File == r.a.SitesFile && strings.Contains(f.What, "post-quantum")
		}
		if said != want {
			t.Errorf("OpenSSL %s: %v", version, p.Warnings)
		}
	}
}
