package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/plan"
)

// What adoption makes of real files: every case goes there and back byte for
// byte, and the certificate is on the wire in between.
func TestAdoptAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	rsa, ec := r.oldA, r.issue("ec", apachetest.Leaf{Names: []string{"a.test"}})
	listen := "<VirtualHost " + r.a.Addr() + ">\n"
	for name, sites := range map[string]string{
		"two kinds of key, comment between": listen + "ServerName a.test\nSSLEngine on\nSSLCertificateFile " + rsa.CertFile + "\nSSLCertificateKeyFile " + rsa.KeyFile +
			"\n\t# the new one\n\tSSLCertificateFile " + ec.CertFile + "\n\tSSLCertificateKeyFile " + ec.KeyFile + "\n</VirtualHost>\n",
		"continued lines, CRLF, no final newline": strings.ReplaceAll(listen+"ServerName a.test\nSSLEngine on\nSSLCertificateFile \\\n   "+rsa.CertFile+"\nSSLCertificateKeyFile "+rsa.KeyFile+"\n</VirtualHost>", "\n", "\r\n"),
		"two hosts with the same lines": listen + "ServerName a.test\nSSLEngine on\nSSLCertificateFile " + rsa.CertFile + "\nSSLCertificateKeyFile " + rsa.KeyFile + "\n</VirtualHost>\n" +
			listen + "ServerName www.a.test\nSSLEngine on\nSSLCertificateFile " + rsa.CertFile + "\nSSLCertificateKeyFile " + rsa.KeyFile + "\n</VirtualHost>\n",
		"in an IfModule, key first, chain file": listen + "ServerName a.test\n<IfModule ssl_module>\n  SSLEngine on\n  SSLCertificateKeyFile " + rsa.KeyFile + "\n  SSLCertificateFile " + rsa.CertFile +
			"\n  SSLCertificateChainFile " + rsa.CertFile + "\n</IfModule>\n</VirtualHost>\n",
		"latin-1 in a comment": listen + "# caf\xe9\nServerName a.test\nSSLEngine on\nSSLCertificateFile " + rsa.CertFile + "\nSSLCertificateKeyFile " + rsa.KeyFile + "\n</VirtualHost>\n",
	} {
		t.Run(name, func(t *testing.T) {
			r.writeSites(sites)
			if err := r.a.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			dir, leaf := r.generation()
			os.Remove(plan.SitePath(r.cfg, "a.test"))
			before := r.snapshot()
			res := r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
			if len(res.Missing) > 0 {
				t.Errorf("missing %v", res.Missing)
			}
			r.serves("a.test", leaf)
			if got := r.sites(); strings.Contains(got, rsa.CertFile) || strings.Contains(got, ec.CertFile) {
				t.Errorf("a certificate line is left:\n%s", got)
			}
			if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
				t.Fatal(err)
			}
			r.unchanged(before)
		})
	}
}

// A line that a macro or a shared include gives to other hosts too is not ours
// to change: the plan says where a person can.
func TestSharedLinesAreLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	shared := filepath.Join(r.a.Dir, "shared.inc")
	text := "SSLEngine on\nSSLCertificateFile " + r.oldA.CertFile + "\nSSLCertificateKeyFile " + r.oldA.KeyFile + "\n"
	if err := os.WriteFile(shared, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	host := "<VirtualHost " + r.a.Addr() + ">\nServerName %\nInclude " + shared + "\n</VirtualHost>\n"
	r.writeSites(strings.Replace(host, "%", "a.test", 1) + strings.Replace(host, "%", "c.test", 1))
	if err := r.a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir, _ := r.generation()
	_, p := r.plan(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if len(p.Missing) == 0 || p.Missing[0].File != shared || p.Missing[0].Line != 2 || !strings.Contains(p.Missing[0].Fix, "Include ") {
		t.Errorf("missing %+v", p.Missing)
	}
	if strings.Contains(p.Diff(), shared) {
		t.Errorf("the shared file would change:\n%s", p.Diff())
	}
}

// Without adoption the certificate is installed for later and reported as not
// served, with file, line and text.
func TestNotAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	gens := map[string]string{"a.test": dir}
	res := r.apply(Change{Generations: gens})
	if len(res.Missing) != 1 || res.Missing[0].Line != 5 || res.Missing[0].File != r.a.SitesFile || res.Missing[0].Fix != `Include "`+plan.SitePath(r.cfg, "a.test")+`"` {
		t.Errorf("missing %+v", res.Missing)
	}
	if got := res.Serving(gens); len(got) > 0 {
		t.Errorf("serving %v", got)
	}
	r.serves("a.test", r.oldA.Leaf)
}

// The admin edited the file elsewhere since: rollback takes back our line and
// keeps theirs.
func TestRollbackKeepsLaterEdits(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	original := r.sites()
	dir, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	r.writeSites("# a note\n" + r.sites())
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if got := r.sites(); got != "# a note\n"+original {
		t.Errorf("after the rollback:\n%s", got)
	}
	r.serves("a.test", r.oldA.Leaf)
}

// A rollback of the adoption after a renewal gives the host its own lines
// back, and a rollback of the policy alone keeps the renewed certificate.
func TestRollbackAfterRenewal(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	r.apply(Change{Profile: "intermediate"})
	second, leaf := r.generation()
	if _, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": second}); err != nil {
		t.Fatal(err)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", leaf)
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %v", drift)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", r.oldA.Leaf)
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != ErrNothingToUndo {
		t.Error(err)
	}
}

func (r *rig) status() *StatusReport {
	r.t.Helper()
	report, err := Status(r.t.Context(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}
