package apacheconf

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
)

// A plan with which Apache starts and nobody can shake hands any more: only
// the comparison with what was served before shows it.
func TestNobodyCouldShakeHands(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.apply(Change{Profile: "intermediate"})
	before := r.snapshot()
	s, p := r.inject(fault{server: "SSLProtocol -all +TLSv1.2\nSSLOpenSSLConfCmd MinProtocol TLSv1.3"})
	_, err := s.locked(t.Context(), func(bool) (*Result, error) { return s.carryOut(t.Context(), p) })
	refused := asRefused(t, err)
	if !refused.About("lost") || !strings.Contains(err.Error(), "a.test") {
		t.Errorf("error = %v", err)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}

// A host that includes our certificate beside lines of another kind: some
// clients would go on getting the old one.
func TestOtherCertificateBesideOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, _ := r.generation()
	text, err := r.include("a.test", first)
	must(err)
	must(os.WriteFile(plan.SitePath(r.cfg, "a.test"), text, 0o644))
	r.writeSites(strings.Replace(r.sites(), "  SSLEngine on\n", "  SSLEngine on\n  Include "+plan.SitePath(r.cfg, "a.test")+"\n", 1))
	must(r.a.Reload(t.Context()))
	must(httpd.Poll(t.Context(), httpd.HoldTimeout, func() (bool, error) { return len(r.status().Drift) == 0, nil }))
	before := r.snapshot()
	next, _ := r.generation()
	_, err = Activate(t.Context(), r.cfg, map[string]string{"a.test": next})
	refused := asRefused(t, err)
	i := slices.IndexFunc(refused.Findings, func(f Finding) bool { return f.Code == "other-leaf" })
	if i < 0 || refused.Findings[i].File != r.a.SitesFile || !strings.Contains(refused.Findings[i].What, "rsa") {
		t.Errorf("error = %v", err)
	}
	r.unchanged(before)
}

// The admin edits the file between our proof and our reload: httpd would read
// something else than was proved, so it is not asked to.
func TestEditedBetweenProofAndReload(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	good := r.sites()
	for name, edited := range map[string]string{
		"a line in a host": strings.Replace(good, "  SSLEngine on\n", "  SSLEngine on\n  SSLHonorCipherOrder on\n", 1),
		"another host":     good + "<VirtualHost 127.0.0.1:1>\nServerName c.test\n</VirtualHost>\n",
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.writeSites(good)
			s, p := r.plan(Change{Profile: "intermediate"})
			reloads := r.reloads()
			s.hooks.step = func(step string) {
				if strings.HasPrefix(step, "write ") {
					r.writeSites(edited)
				}
			}
			_, err := s.Apply(t.Context(), p)
			back, ok := errors.AsType[*RolledBackError](err)
			if !ok || !back.Healthy || !strings.Contains(err.Error(), "reading the new configuration") {
				t.Errorf("error = %v", err)
			}
			if r.reloads() != reloads {
				t.Error("it was reloaded")
			}
			if r.sites() != edited {
				t.Error("the edit is gone")
			}
		})
	}
	r.t = t
}
