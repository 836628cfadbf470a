// Package testenv tells tests which programs of the host they may use. A
// missing program skips the test with the line to install it, unless
// REQUIRE_TESTENV names it: then the test fails, so that nothing is skipped
// where everything should run.
package testenv

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Variable holds the names, with commas between, of programs that must be there.
const Variable = "REQUIRE_TESTENV"

// debianPackage names the package where it is not called as the program.
var debianPackage = map[string]string{
	"systemd-analyze":  "systemd",
	"systemd-sysusers": "systemd",
	"systemd-tmpfiles": "systemd",
	"diff":             "diffutils",
	"testssl":          "testssl.sh",
	"aws":              "awscli",
}

// Need skips or fails t unless every program is found.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if Has(p) {
			continue
		}
		if Required(p) {
			t.Fatalf("%s is missing, and %s requires it", p, Variable)
		}
		t.Skipf("needs %s (apt-get install %s)", p, packageOf(p))
	}
}

// Has tells whether program is on the PATH or in the administrator's
// directories, which an ordinary user's PATH leaves out.
func Has(program string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if _, err := os.Stat(dir + "/" + program); err == nil {
			return true
		}
	}
	return false
}

// Required tells whether the environment forbids to do without program.
func Required(program string) bool {
	return slices.Contains(strings.Split(os.Getenv(Variable), ","), program)
}

func packageOf(program string) string {
	if name, ok := debianPackage[program]; ok {
		return name
	}
	return program
}

// NeedRoot skips t where it is not root who runs it, and fails it where the
// environment requires anything at all: those who want nothing skipped are root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv(Variable) != "" {
		t.Fatalf("root is needed, to give files away, and %s is set", Variable)
	}
	t.Skip("needs root, to give files away")
}
