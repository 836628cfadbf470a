package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Without root, issue and renew say that they need it, and nothing of waiting
// for another run.
func TestUnprivilegedRun(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become nobody")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tlskeeper-unprivileged-") // below t.TempDir() nobody may not walk
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "tlskeeper"), program, 0o755),
		os.MkdirAll(filepath.Join(dir, "var/lib/tlskeeper/acme"), 0o755), os.MkdirAll(filepath.Join(dir, "etc/tlskeeper"), 0o755),
		os.Chmod(filepath.Join(dir, "var/lib/tlskeeper/acme"), 0o700),
		os.WriteFile(filepath.Join(dir, "etc/tlskeeper/config.toml"), []byte("[acme]\nagree_tos = true\nwebroot = \"/\"\n[[certificate]]\nnames = [\"a.test\"]\n"), 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{"issue", "renew"} {
		c := exec.CommandContext(t.Context(), filepath.Join(dir, "tlskeeper"), command, "--root", dir)
		c.Dir, c.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		said, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(said), "hint: permission is missing; as root: sudo tlskeeper") {
			t.Errorf("%s: %v: %s", command, err, said)
		}
	}
}
