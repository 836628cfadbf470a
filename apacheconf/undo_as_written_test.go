package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/plan"
)

// However the admin wrote his certificate lines: what adopt accepts, rollback
// and uninstall give back byte for byte.
func TestUndoLinesAsWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	pki, cert, key := filepath.Dir(r.oldA.CertFile), r.oldA.CertFile, r.oldA.KeyFile
	short := func(path string) string { return strings.Replace(path, pki, "${PKI}", 1) }
	for name, lines := range map[string]string{
		"tab":          "\tSSLCertificateFile\t" + cert + "\n\tSSLCertificateKeyFile\t \t" + key + "\n",
		"case":         "sslcertificatefile " + cert + "\nSSLCERTIFICATEKEYFILE " + key + "\n",
		"quotes":       `SSLCertificateFile "` + cert + "\"\nSSLCertificateKeyFile\t'" + key + "'\n",
		"continuation": "SSLCertificateFile \\\n   " + cert + "\nSSLCertificateKeyFile\t\\\n\t" + key + "\n",
		"variable":     "SSLCertificateFile " + short(cert) + "\nSSLCertificateKeyFile \"" + short(key) + "\"\n",
	} {
		for way, undo := range map[string]func(r *rig) error{
			"rollback":  func(r *rig) error { _, err := Rollback(r.t.Context(), r.cfg, Undo{}); return err },
			"uninstall": func(r *rig) error { _, err := Uninstall(r.t.Context(), r.cfg, Undo{}); return err },
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				r.writeSites("Define PKI " + pki + "\n<VirtualHost " + r.a.Addr() + ">\nServerName a.test\nSSLEngine on\n" + lines + "</VirtualHost>\n")
				if err := r.a.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				before := r.sites()
				dir, leaf := r.generation()
				r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
				r.serves("a.test", leaf)
				if err := undo(r); err != nil {
					t.Error(err)
					_, err = r.try(Change{Generations: map[string]string{"a.test": dir}})
					t.Fatal(err)
				}
				if r.sites() != before {
					t.Errorf("changed:\n%s\n--- before ---\n%s", r.sites(), before)
				}
				r.serves("a.test", r.oldA.Leaf)
			})
		}
	}
}

// A certificate line in a snippet that only this host includes goes there and
// back too.
func TestUndoInASnippet(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	snippet := filepath.Join(r.dir, "etc", "snippet.inc")
	text := "SSLCertificateFile " + r.oldA.CertFile + "\nSSLCertificateKeyFile " + r.oldA.KeyFile + "\n"
	must(os.WriteFile(snippet, []byte(text), 0o644))
	r.writeSites("<VirtualHost " + r.a.Addr() + ">\nServerName a.test\nSSLEngine on\nInclude " + snippet + "\n</VirtualHost>\n")
	must(r.a.Reload(t.Context()))
	dir, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if _, err := Uninstall(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(snippet); err != nil || string(got) != text {
		t.Errorf("changed:\n%s\n%v", got, err)
	}
}

// The admin put his old lines back by hand: that adoption is undone, whoever
// did it, and the next one is a new one.
func TestUndoneByHand(t *testing.T) {
	t.Parallel()
	for way, undo := range map[string]func(r *rig) error{
		"uninstall": func(r *rig) error { _, err := Uninstall(r.t.Context(), r.cfg, Undo{}); return err },
		"rollback":  func(r *rig) error { _, err := Rollback(r.t.Context(), r.cfg, Undo{}); return err },
		"adopt, rollback, uninstall": func(r *rig) error {
			dir, _ := r.generation()
			r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
			if m, err := plan.Installed(r.cfg); err != nil || len(m.Adoptions) != 1 {
				r.t.Errorf("%+v, %v", m.Adoptions, err)
			}
			if _, err := Rollback(r.t.Context(), r.cfg, Undo{}); err != nil {
				return err
			}
			_, err := Uninstall(r.t.Context(), r.cfg, Undo{})
			return err
		},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "")
			text := r.sites()
			dir, _ := r.generation()
			r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
			r.writeSites(text)
			must(r.a.Reload(t.Context()))
			if err := undo(r); err != nil {
				t.Fatal(err)
			}
			if r.sites() != text {
				t.Errorf("changed:\n%s", r.sites())
			}
			r.serves("a.test", r.oldA.Leaf)
		})
	}
}

// A whole virtual host of ours goes with the rest.
func TestUninstallTakesOurVHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	conf, err := os.ReadFile(r.a.ConfigFile)
	must(err)
	line := `IncludeOptional "` + filepath.Join(r.cfg.EtcDir, "vhost-*.conf") + "\"\n"
	must(os.WriteFile(r.a.ConfigFile, []byte(strings.Replace(string(conf), line, "", 1)+line), 0o644))
	before := r.snapshot()
	p := r.issue(filepath.Join("c.test", "gen", "1"), apachetest.Leaf{Names: []string{"c.test"}})
	r.apply(Change{Generations: map[string]string{"c.test": filepath.Dir(p.CertFile)}, VHost: &NewVHost{Name: "c.test", Address: r.a.Addr(), DocumentRoot: r.dir}})
	r.serves("c.test", p.Leaf)
	if _, err := Uninstall(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(before)
}

// A directory that is not there would answer 404 to everybody.
func TestVHostWithoutItsDirectory(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	p := r.issue(filepath.Join("c.test", "gen", "1"), apachetest.Leaf{Names: []string{"c.test"}})
	_, err := r.try(Change{Generations: map[string]string{"c.test": filepath.Dir(p.CertFile)}, VHost: &NewVHost{Name: "c.test", Address: r.a.Addr(), DocumentRoot: "/nope"}})
	if refused := asRefused(t, err); !strings.Contains(refused.Error(), "/nope") {
		t.Error(refused)
	}
}
