package apacheconf

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
)

// The whole way: adopt, install a certificate and a profile, see both on the
// wire, find nothing to do the second time, and go back byte for byte.
func TestHardenAdoptAndRollBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, leaf := r.generation()
	before := r.snapshot()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}

	s, p := r.plan(change)
	if s.Version == "" || s.OpenSSL == "" || s.Layout != httpd.Plain || len(s.VHosts) != 3 {
		t.Fatalf("discovered %+v", s)
	}
	r.unchanged(before)
	if diff := p.Diff(); !strings.Contains(diff, "-  SSLCertificateFile") || !strings.Contains(diff, `+  Include "`+plan.SitePath(r.cfg, "a.test")) {
		t.Errorf("diff:\n%s", diff)
	}
	res, err := s.Apply(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !res.Changed || res.Proved == 0 || len(res.Missing) > 0 {
		t.Errorf("result %+v", res)
	}
	r.serves("a.test", leaf)
	r.serves("www.a.test", leaf)
	r.serves("b.test", r.oldB.Leaf)
	if _, err := tls.Dial("tcp", r.a.Addr(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 still works")
	}

	installed, reloads := r.snapshot(), r.reloads()
	if res := r.apply(change); res.Changed {
		t.Error("a second apply changed something")
	}
	r.unchanged(installed)
	if reloads == 0 || r.reloads() != reloads {
		t.Error("a second apply reloaded")
	}

	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}

// Log first: one file, and a line for every TLS request of every host.
func TestLogOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, "  CustomLog logs/own.log common\n")
	r.apply(Change{LogOnly: true})
	text, err := os.ReadFile(filepath.Join(r.cfg.EtcDir, ourGlobal))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "SSLProtocol") || !strings.Contains(string(text), "GlobalLog") {
		t.Errorf("log-only file:\n%s", text)
	}
	requestHTTPS(t, r)
	waitForText(t, r.cfg.TLSLog, `,a.test,TLSv1.3,TLS_`)
}

// Renewal changes the include and nothing else.
func TestRenewal(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, _ := r.generation()
	r.apply(Change{Profile: "intermediate", HSTS: "5m", Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	second, leaf := r.generation()
	if _, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": second}); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", leaf)
	active, err := ActiveGenerations(r.cfg.EtcDir)
	if err != nil || active["a.test"] != second {
		t.Errorf("active = %v, %v", active, err)
	}
	// Rolling back the hardening does not bring the old certificate back.
	text, err := os.ReadFile(filepath.Join(r.cfg.EtcDir, ourGlobal))
	if err != nil || !strings.Contains(string(text), "max-age=300") {
		t.Errorf("global file after the renewal: %v\n%s", err, text)
	}
}
