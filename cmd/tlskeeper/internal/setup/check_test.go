package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// host is a set-up host below a temporary root.
func host(t *testing.T, answers Answers) *config.Config {
	t.Helper()
	paths := config.PathsUnder(t.TempDir())
	p, err := Prepare(paths, paths.ConfigFile(), answers)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	p.Config.Agent.Logs = nil
	return p.Config
}

// bad lists what is not ok, a line each.
func bad(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		if f.Severity != severityOK {
			b.WriteString(f.Severity + " " + f.Subject + ": " + f.Message + "\n")
		}
	}
	return b.String()
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

const keyText = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n"

func TestHostAsSetupLeftIt(t *testing.T) {
	cfg := host(t, Answers{AgreeTOS: true, Names: []string{"a.org"}, Listen: ":80"})
	write(t, filepath.Join(cfg.Paths.ACME, "key.pem"), keyText, 0o600)
	if got := bad(append(CheckConfig(cfg), CheckHost(cfg)...)); got != "" {
		t.Error(got)
	}
}

func TestDirectoryOpenToOthers(t *testing.T) {
	cfg := host(t, Answers{})
	if err := os.Chmod(cfg.Paths.ACME, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := bad(CheckHost(cfg)); !strings.Contains(got, "fail directories: "+cfg.Paths.ACME+" is open to others: mode 0755") {
		t.Error(got)
	}
}

// As an early version left it: the public state file behind a closed door.
func TestStateThatOnlyRootCanReach(t *testing.T) {
	cfg := host(t, Answers{})
	dir := filepath.Dir(cfg.Paths.ACME)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := bad(CheckHost(cfg)); got != "warn directories: "+dir+" is closed: only root can ask for the status, mode 0700\n" {
		t.Error(got)
	}
}

func TestDirectoryOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a directory away")
	}
	cfg := host(t, Answers{})
	if err := os.Chown(cfg.Paths.ACME, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if got := bad(CheckHost(cfg)); !strings.Contains(got, "user nobody (65534) owns the directory "+cfg.Paths.ACME) {
		t.Error(got)
	}
}

func TestKeyReadableByOthers(t *testing.T) {
	cfg := host(t, Answers{})
	path := filepath.Join(cfg.Paths.ACME, "anything")
	write(t, path, keyText, 0o640)
	write(t, filepath.Join(cfg.Paths.ACME, "fullchain.pem"), "-----BEGIN CERTIFICATE-----\n", 0o644)
	if got := bad(CheckHost(cfg)); got != "fail keys: "+path+" is open to others: mode 0640\n" {
		t.Error(got)
	}
}

func TestHookThatOthersMayChange(t *testing.T) {
	cfg := host(t, Answers{})
	path := filepath.Join(t.TempDir(), "hook")
	write(t, path, "#!/bin/sh\n", 0o777)
	cfg.Hooks.Deploy = []string{path}
	cfg.Hooks.Pre = []string{path + ".missing"}
	got := bad(CheckHost(cfg))
	if !strings.Contains(got, "fail hook deploy: ") || !strings.Contains(got, "fail hook pre: ") {
		t.Error(got)
	}
}

func TestChallengeThatNobodyAnswers(t *testing.T) {
	paths := config.PathsUnder(t.TempDir())
	if _, err := Prepare(paths, paths.ConfigFile(), Answers{AgreeTOS: true, Names: []string{"a.org"}}); err == nil || !strings.Contains(err.Error(), "needs a webroot") {
		t.Error(err)
	}
	cfg := host(t, Answers{AgreeTOS: false, Names: []string{"a.org"}, Webroot: "/nonexistent"})
	if got := bad(CheckConfig(cfg)); !strings.Contains(got, "terms") || !strings.Contains(got, "no directory") {
		t.Error(got)
	}
}
