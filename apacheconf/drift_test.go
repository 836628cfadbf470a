package apacheconf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/plan"
)

// Status tells hand edits, deleted files and certificates that were never
// loaded from what was installed.
func TestDrift(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	r.apply(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if report := r.status(); len(report.Drift) > 0 || !report.Running || report.Profile != "intermediate" || len(report.Sites) != 1 || len(report.Sites[0].VHosts) != 1 {
		t.Fatalf("status %+v", report)
	}
	appendTo(t, filepath.Join(r.cfg.EtcDir, ourGlobal), "# by hand\n")
	next, _ := r.generation()
	text, err := r.include("a.test", next)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plan.SitePath(r.cfg, "a.test"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if codes := r.driftCodes(); !codes["edited"] || !codes["not-loaded"] {
		t.Errorf("codes %v", codes)
	}
	must(os.Remove(filepath.Join(r.cfg.EtcDir, ourGlobal)))
	r.writeSites(strings.Replace(r.sites(), plan.SitePath(r.cfg, "a.test"), plan.SitePath(r.cfg, "a.test")+".none", 1))
	r.writeSites(strings.Replace(r.sites(), "Include", "IncludeOptional", 1)) // httpd says nothing of it
	must(os.WriteFile(r.a.SitesFile, []byte(strings.Replace(r.sites(), "  SSLEngine on\n", "  SSLEngine on\n  SSLCertificateFile "+r.oldA.CertFile+"\n  SSLCertificateKeyFile "+r.oldA.KeyFile+"\n", 1)), 0o644))
	if codes := r.driftCodes(); !codes["deleted"] || !codes["adoption"] || !codes["not-loaded"] {
		t.Errorf("codes %v", codes)
	}
	must(r.a.Stop(t.Context()))
	if codes := r.driftCodes(); !codes["not-running"] {
		t.Errorf("codes %v", codes)
	}
}

func (r *rig) driftCodes() map[string]bool {
	r.t.Helper()
	codes := map[string]bool{}
	for _, f := range r.status().Drift {
		codes[f.Code] = true
	}
	return codes
}

// Uninstall leaves what was there before, and nothing of ours.
func TestUninstall(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	sites := r.sites()
	r.apply(Change{Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	r.apply(Change{Profile: "modern"})
	if _, err := Uninstall(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", r.oldA.Leaf)
	if r.sites() != sites {
		t.Errorf("sites:\n%s", r.sites())
	}
	if left, _ := os.ReadDir(r.cfg.EtcDir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if report := r.status(); report.Installed || len(report.Drift) > 0 {
		t.Errorf("status %+v", report)
	}
}

// Removing a session cache and reloading kills Apache: it is refused without
// --allow-restart, and done by stop and start with it.
func TestCacheRemovalNeedsARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	tree, err := os.ReadFile(r.a.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(string(tree), "SSLSessionCache shmcb:ssl-cache(512000)\n", "", 1)
	if err := os.WriteFile(r.a.ConfigFile, []byte(without), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.apply(Change{Profile: "intermediate"})
	installed := r.snapshot()
	_, err = Rollback(t.Context(), r.cfg, Undo{})
	if !slices.ContainsFunc(asRefused(t, err).Findings, func(f Finding) bool { return f.Code == "cache-removal" }) {
		t.Error(err)
	}
	r.unchanged(installed)
	res, err := Rollback(t.Context(), r.cfg, Undo{AllowRestart: true})
	if err != nil || !res.Restarted {
		t.Errorf("%+v, %v", res, err)
	}
	r.serves("b.test", r.oldB.Leaf)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(old, text...), 0o644); err != nil {
		t.Fatal(err)
	}
}
