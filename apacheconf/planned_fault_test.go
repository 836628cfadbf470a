package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/templates"
)

// Faults that our own settings can bring: a profile, or the pair of a
// certificate. The shadow finds each, names file and line, and the live server
// never hears of them.
func TestPlannedFaultIsCaughtByTheShadow(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	global, site := filepath.Join(r.cfg.EtcDir, ourGlobal), plan.SitePath(r.cfg, "a.test")
	for _, f := range []struct {
		name, file, line string
		change           Change
		profile          *templates.Profile
	}{
		{name: "empty protocol set", file: global, line: "SSLProtocol", profile: profileWith(func(p *templates.Profile) { p.Protocol = "-all" })},
		{name: "protocols taken from nothing", file: global, line: "SSLProtocol", profile: profileWith(func(p *templates.Profile) { p.Protocol = "-SSLv3 -TLSv1.2" })},
		{name: "no cipher", file: global, line: "SSLCipherSuite", profile: profileWith(func(p *templates.Profile) { p.Suites12 = []string{"NOSUCH"} })},
		{name: "TLS 1.3 names in the old list", file: global, line: "SSLCipherSuite", profile: profileWith(func(p *templates.Profile) { p.Suites12 = []string{"TLS_AES_128_GCM_SHA256"} })},
		{name: "no TLS 1.3 suite", file: global, line: "SSLCipherSuite TLSv1.3", profile: profileWith(func(p *templates.Profile) { p.Suites13 = []string{"NOSUCH"} })},
		{name: "unknown group", file: global, line: "SSLOpenSSLConfCmd Curves", profile: profileWith(func(p *templates.Profile) { p.Groups = []string{"nosuch"} })},
		{name: "key of another certificate", file: site, line: "SSLCertificate", change: r.adopting("key of another certificate")},
		{name: "truncated certificate", file: site, line: "SSLCertificate", change: r.adopting("truncated certificate")},
		{name: "RSA key of 1024 bits", file: site, line: "SSLCertificate", change: r.adopting("RSA key of 1024 bits")},
	} {
		t.Run(f.name, func(t *testing.T) {
			before := r.snapshot()
			s := r.discover()
			p, err := plan.MakeWith(t.Context(), s.Server, f.change, f.profile)
			if err != nil && f.change.Generations != nil && strings.Contains(err.Error(), f.change.Generations["a.test"]) {
				return // so broken that the plan itself names the file
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Apply(t.Context(), p)
			refused := asRefused(t, err)
			if at := refused.Findings[0]; at.File != f.file || !strings.Contains(lineOf(writtenBy(p, f.file), at.Line), f.line) {
				t.Errorf("named %s: %v", at.Place(), err)
			}
			r.unchanged(before)
			r.serves("a.test", r.oldA.Leaf)
		})
	}
}

func profileWith(edit func(*templates.Profile)) *templates.Profile {
	p, _ := templates.Lookup("intermediate")
	edit(&p)
	return &p
}

// adopting takes a pair with this fault over.
func (r *rig) adopting(name string) Change {
	r.t.Helper()
	for _, f := range r.faults() {
		if f.name == name {
			dir := filepath.Join(r.dir, "certs", strings.ReplaceAll(name, " ", "-"))
			copyFile(r.t, f.cert, filepath.Join(dir, "fullchain.pem"))
			copyFile(r.t, f.key, filepath.Join(dir, "key.pem"))
			return Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
		}
	}
	r.t.Fatalf("no fault %q", name)
	return Change{}
}

// writtenBy is what a plan writes to path.
func writtenBy(p *Plan, path string) string {
	for _, f := range p.Files {
		if f.Path == path {
			return string(f.New.Data)
		}
	}
	return ""
}

// Every fault of the list in a file of ours, however it came there: the shadow
// names it. What no shadow shows is the rules' part: Listen and removed caches.
func TestFaultInOurFileIsCaughtByTheShadow(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, leaf := r.generation()
	r.apply(Change{Profile: "intermediate", Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	pid := r.a.PID()
	for _, f := range r.faults() {
		if strings.Contains(f.server, "Listen") || strings.Contains(f.server, "SSLSessionCache") || strings.Contains(f.server, "SSLStaplingCache") {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			r.t = t
			before := r.snapshot()
			s, p := r.inject(f)
			_, err := s.locked(t.Context(), func(bool) (*Result, error) { return s.carryOut(t.Context(), p) })
			at := asRefused(t, err).Findings[0]
			text := writtenBy(p, at.File)
			if f.cert == "-" { // the line that now lacks a certificate is the admin's
				text = r.sites()
			}
			if !strings.Contains(lineOf(text, at.Line), f.directive()) {
				t.Errorf("named %s: %v", at.Place(), err)
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

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
