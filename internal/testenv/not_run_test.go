package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Go command for which every check succeeds or fails as it is told, and that
// never reaches the database of vulnerabilities.
const deafGo = `#!/bin/sh
case "$*" in
*govulncheck*) echo "govulncheck: dial tcp: lookup vuln.go.dev: no such host"; exit 1 ;;
test*) exit $TEST_STATUS ;;
esac
`

// The line is the last of the output, and the exit status is that of the tests.
func TestVulnerabilitiesNotLookedUp(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"Makefile", ".ci/run", "internal/testenv/install.sh", "internal/testenv/vulncheck.sh"} {
		data, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(data))
	}
	write(t, filepath.Join(dir, "go.sh"), deafGo)
	for status, command := range map[string]string{"0": "make test", "1": ".ci/run"} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "MAKEFLAGS=PROGRAMS=", "MAKELEVEL=0", "GO="+filepath.Join(dir, "go.sh"), "TEST_STATUS="+status)
		out, err := cmd.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if (err == nil) != (status == "0") || !strings.Contains(lines[len(lines)-1], "govulncheck: not run") {
			t.Errorf("%s, tests end with %s: %v\n%s", command, status, err, out)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
