package apacheconf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/filechange"
)

// blockedAt is the finding of this code, which must be at this line of the
// sites file.
func (r *rig) blockedAt(p *Plan, code string, line int) Finding {
	r.t.Helper()
	for _, f := range p.Blocked {
		if f.Code == code && f.Place() == fmt.Sprintf("%s:%d", r.a.SitesFile, line) {
			return f
		}
	}
	r.t.Fatalf("no %s at line %d: blocked %+v", code, line, p.Blocked)
	return Finding{}
}

// A profile for ECDSA alone would cut the clients of an RSA host off: refused
// by name. Each of the ways out that are named works.
func TestSuitesForNoLeaf(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	line := lineWith(r.sites(), "SSLCertificateFile")
	_, p := r.plan(Change{Profile: "ecdsa2016"})
	f := r.blockedAt(p, "rsa", line)
	if f.VHost != "a.test" || len(p.Blocked) != 1 || !strings.Contains(f.Fix, "ECDSA certificate") {
		t.Errorf("blocked %+v", p.Blocked)
	}
	_, err := r.try(Change{Profile: "ecdsa2016"})
	asRefused(t, err)
	for _, profile := range []string{"intermediate", "modern"} {
		if _, p := r.plan(Change{Profile: profile}); len(p.Blocked) > 0 || warnsOf(p, "rsa") {
			t.Errorf("%s: blocked %+v, warnings %+v", profile, p.Blocked, p.Warnings)
		}
	}
	dir, leaf := r.generation()
	ours := map[string]string{"a.test": dir}
	if _, p := r.plan(Change{Profile: "ecdsa2016", Generations: ours}); r.blockedAt(p, "rsa", line).Fix != "tlskeeper apache adopt a.test" {
		t.Errorf("blocked %+v", p.Blocked)
	}
	r.apply(Change{Generations: ours, Adopt: []string{"a.test"}})
	r.apply(Change{Profile: "ecdsa2016", Generations: ours})
	r.serves("a.test", leaf)
}

// RSA and ECDSA lines in one host: every client finds a suite. A host whose own
// list has RSA suites is not the profile's business, and one whose own list
// has none is the admin's.
func TestSuitesOfOtherHosts(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	ec := r.issue("ec", apachetest.Leaf{Names: []string{"a.test"}})
	plain := r.sites()
	for own, want := range map[string]string{
		"SSLCertificateFile " + ec.CertFile + "\nSSLCertificateKeyFile " + ec.KeyFile: "",
		"SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256":                                  "",
		"SSLCipherSuite HIGH:!aNULL":                                                  "",
		"SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256":                                "warned",
		"SSLProtocol -all +TLSv1.3":                                                   "",
	} {
		r.writeSites(strings.Replace(plain, "SSLEngine on\n", "SSLEngine on\n"+own+"\n", 1))
		_, p := r.plan(Change{Profile: "ecdsa2016"})
		if len(p.Blocked) > 0 || warnsOf(p, "rsa") != (want != "") {
			t.Errorf("%s: blocked %+v, warnings %+v", own, p.Blocked, p.Warnings)
		}
	}
}

// Under ecdsa2016 a renewal to RSA is refused and says what to set; a host that
// is in that state already does not hold up its next renewal.
func TestRenewalToRSA(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, leaf := r.generation()
	r.apply(Change{Profile: "ecdsa2016", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	rsa := func(n string) Change {
		pair := r.issue(filepath.Join("rsa", n), apachetest.Leaf{Names: []string{"a.test", "www.a.test"}, KeyType: "rsa2048"})
		return Change{Generations: map[string]string{"a.test": filepath.Dir(pair.CertFile)}}
	}
	_, p := r.plan(rsa("1"))
	if len(p.Blocked) != 1 || p.Blocked[0].File != plan.SitePath(r.cfg, "a.test") || !strings.Contains(p.Blocked[0].Fix, `key_type = "secp384r1"`) {
		t.Fatalf("blocked %+v", p.Blocked)
	}
	_, err := r.try(rsa("1"))
	asRefused(t, err)
	r.serves("a.test", leaf)
	must(filechange.Put(plan.SitePath(r.cfg, "a.test"), &filechange.State{Data: []byte(strings.ReplaceAll(r.text(plan.SitePath(r.cfg, "a.test")), dir, rsa("2").Generations["a.test"])), Mode: 0o644, UID: -1, GID: -1}))
	if _, p := r.plan(rsa("3")); len(p.Blocked) > 0 || !warnsOf(p, "rsa") {
		t.Errorf("already RSA: blocked %+v, warnings %+v", p.Blocked, p.Warnings)
	}
}

func (r *rig) text(path string) string {
	r.t.Helper()
	text, err := os.ReadFile(path)
	must(err)
	return string(text)
}
