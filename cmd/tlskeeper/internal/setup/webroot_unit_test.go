package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// unitHost is a host whose unit is the one we ship, with its paths below a root.
func unitHost(t *testing.T, webroot string) (cfg *config.Config, root string) {
	t.Helper()
	root = t.TempDir()
	webroot = filepath.Join(root, webroot)
	cfg = &config.Config{Paths: config.PathsUnder(root), Certificates: []config.Certificate{{Name: "a.org", Webroot: webroot}}}
	for _, dir := range []string{webroot, filepath.Join(root, "lib/systemd/system"), filepath.Join(root, "etc/systemd/system", renewUnit+".d")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shipped, err := os.ReadFile("../../../../systemd/" + renewUnit)
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range []string{"/var", "/srv", "/etc"} {
		shipped = []byte(strings.ReplaceAll(string(shipped), top+"/", root+top+"/"))
		shipped = []byte(strings.ReplaceAll(string(shipped), "-"+top+"\n", "-"+root+top+"\n"))
	}
	write(t, filepath.Join(root, "lib/systemd/system", renewUnit), string(shipped), 0o644)
	return cfg, root
}

func TestWebrootThatTheTimerMayWrite(t *testing.T) {
	for _, webroot := range []string{"var/www/html", "var/www", "srv/a/htdocs"} {
		cfg, _ := unitHost(t, webroot)
		if got := bad(checkWebroots(cfg)); got != "" {
			t.Errorf("%s: %s", webroot, got)
		}
	}
}

// By hand the certificate is issued; two months later the timer fails.
func TestWebrootThatTheTimerMayNotWrite(t *testing.T) {
	cfg, root := unitHost(t, "data/my site")
	found := checkWebroots(cfg)
	if len(found) != 1 || found[0].Severity != severityWarn || !strings.Contains(found[0].Message, "may not write") {
		t.Fatalf("%+v", found)
	}
	want := `ReadWritePaths="` + root + `/data/my site"`
	if !strings.Contains(found[0].Hint, want) {
		t.Errorf("hint %q does not hold %s", found[0].Hint, want)
	}
	// The drop-in that the hint names is the cure.
	dropIn := filepath.Join(root, "etc/systemd/system", renewUnit+".d", "override.conf")
	write(t, dropIn, "[Service]\n"+want+"\n", 0o644)
	if got := bad(checkWebroots(cfg)); got != "" {
		t.Error(got)
	}
	write(t, dropIn, "[Service]\nProtectSystem=full\n", 0o644)
	if got := bad(checkWebroots(cfg)); got != "" {
		t.Error(got)
	}
}

// A link inside of what may be written can lead out of it.
func TestWebrootBehindALink(t *testing.T) {
	cfg, root := unitHost(t, "data/site")
	link := filepath.Join(root, "var/www")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "data"), link); err != nil {
		t.Fatal(err)
	}
	cfg.Certificates[0].Webroot = filepath.Join(link, "site")
	if got := bad(checkWebroots(cfg)); got != "" { // /var/www itself is the link, and systemd follows it
		t.Error(got)
	}
	inner := filepath.Join(root, "srv")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(inner, "out")); err != nil {
		t.Fatal(err)
	}
	cfg.Certificates[0].Webroot = filepath.Join(inner, "out", "lib")
	if got := bad(checkWebroots(cfg)); !strings.Contains(got, "may not write") {
		t.Errorf("got %q", got)
	}
}

func TestEmptyListTakesBack(t *testing.T) {
	cfg, root := unitHost(t, "var/www/html")
	write(t, filepath.Join(root, "etc/systemd/system", renewUnit+".d", "a.conf"), "ReadWritePaths=\nReadWritePaths=/elsewhere\n", 0o644)
	if got := bad(checkWebroots(cfg)); !strings.Contains(got, "may not write") {
		t.Errorf("got %q", got)
	}
}

// Where renewal runs from cron nothing confines it.
func TestNoUnitNoFinding(t *testing.T) {
	cfg := &config.Config{Paths: config.PathsUnder(t.TempDir()), Certificates: []config.Certificate{{Name: "a.org", Webroot: "/data"}}}
	if got := bad(checkWebroots(cfg)); got != "" {
		t.Error(got)
	}
}
