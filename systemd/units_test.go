// Package systemd holds the units and has only tests: what systemd itself says
// of them, and that every restriction tells its reason.
package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tlskeeper/internal/testenv"
)

// installed copies the units to a directory of their own, with a program in
// place of ours that exists on every host: verify looks for it.
func installed(t *testing.T) (units []string) {
	t.Helper()
	dir := t.TempDir()
	for _, pattern := range []string{"*.service", "*.timer"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text := strings.ReplaceAll(read(t, name), "/usr/bin/tlskeeper", "/bin/true")
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			units = append(units, path)
		}
	}
	if len(units) != 3 {
		t.Fatalf("found units %v, want 3", units)
	}
	return units
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A misspelt directive is only a warning to systemd, and no protection.
func TestUnitsVerify(t *testing.T) {
	testenv.Need(t, "systemd-analyze")
	args := append([]string{"verify", "--man=no", "--recursive-errors=no"}, installed(t)...)
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestVerifyFindsAMisspeltDirective(t *testing.T) {
	testenv.Need(t, "systemd-analyze")
	path := installed(t)[0]
	text := read(t, path) + "\n[Service]\nProtectSytem=strict\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
	if !strings.Contains(string(out), "ProtectSytem") {
		t.Errorf("it says only: %s", out)
	}
}

// The thresholds are exposure levels times ten, as systemd computes them; a
// line that is dropped raises the level.
func TestUnitsAreHardened(t *testing.T) {
	testenv.Need(t, "systemd-analyze")
	for unit, threshold := range map[string]string{"tlskeeper.service": "13", "tlskeeper-renew.service": "34"} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager",
			"--threshold="+threshold, "./"+unit).CombinedOutput()
		if err != nil {
			t.Errorf("%s is above %s: %v\n%s", unit, threshold, err, out)
		}
	}
}

// The level is a sum: another line may hide that this one is gone.
func TestNoServiceGainsPrivileges(t *testing.T) {
	for _, unit := range []string{"tlskeeper.service", "tlskeeper-renew.service"} {
		if !strings.Contains(read(t, unit), "\nNoNewPrivileges=yes\n") {
			t.Errorf("%s: what it starts may become root again", unit)
		}
	}
}

var (
	directive = regexp.MustCompile(`^([A-Z][A-Za-z]+)=`)
	// plain directives say what a unit is; everything else restricts it or
	// changes how it is run, and needs a reason.
	plain = regexp.MustCompile(`^(Description|Documentation|After|Wants|Type|NotifyAccess|ExecStart|EnvironmentFile|Restart|RestartSec|OnCalendar|WantedBy)$`)
)

func TestEveryRestrictionHasItsReasonAbove(t *testing.T) {
	for _, path := range installed(t) {
		before := ""
		for line := range strings.Lines(read(t, path)) {
			m := directive.FindStringSubmatch(line)
			if m != nil && !plain.MatchString(m[1]) && !strings.HasPrefix(before, "#") {
				t.Errorf("%s: no reason above %s", filepath.Base(path), strings.TrimSpace(line))
			}
			before = line
		}
	}
}

// The agent's user must own one directory and no other: a StateDirectory of
// the whole tree would hand it the keys.
func TestAgentOwnsOnlyTheLog(t *testing.T) {
	text := read(t, "tlskeeper.service")
	for _, want := range []string{"\nStateDirectory=tlskeeper/log\n", "\nRuntimeDirectory=tlskeeper/agent\n", "\nUser=tlskeeper\n", "\nGroup=adm\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("tlskeeper.service lacks %q", want)
		}
	}
	for line := range strings.Lines(read(t, "tmpfiles.d/tlskeeper.conf")) {
		f := strings.Fields(line)
		if len(f) > 3 && f[0] == "d" && (f[3] == "tlskeeper") != (f[1] == "/var/lib/tlskeeper/log") {
			t.Errorf("tmpfiles.d gives %s to %s", f[1], f[3])
		}
	}
}

// The two files are tried with the real programs, in a root of their own.
func TestUserAndDirectoriesAreMade(t *testing.T) {
	testenv.Need(t, "systemd-sysusers", "systemd-tmpfiles")
	if os.Geteuid() != 0 {
		t.Skip("needs root to make users in a root of its own")
	}
	root := t.TempDir()
	for _, dir := range []string{"etc", "var/log/httpd"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "systemd-sysusers", "--root="+root, abs(t, "sysusers.d/tlskeeper.conf"))
	passwd := read(t, filepath.Join(root, "etc/passwd"))
	if !strings.Contains(passwd, "tlskeeper:x:") || !strings.Contains(passwd, "nologin") {
		t.Errorf("passwd: %s", passwd)
	}
	if group := read(t, filepath.Join(root, "etc/group")); !regexp.MustCompile(`(?m)^adm:x:\d+:tlskeeper$`).MatchString(group) {
		t.Errorf("group: %s", group)
	}
	run(t, "systemd-tmpfiles", "--create", "--root="+root, abs(t, "tmpfiles.d/tlskeeper.conf"))
	for dir, mode := range map[string]os.FileMode{"acme": 0o700, "log": 0o750} {
		info, err := os.Stat(filepath.Join(root, "var/lib/tlskeeper", dir))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
}

func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}
