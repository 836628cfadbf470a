package logship

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tlskeeper/logship/logshiptest"
)

// nobody is the user without rights of Debian and RHEL alike.
const nobody = 65534

// The agent's user may not read the log until an administrator sees to it. The
// agent says so once and goes on by itself.
func TestLogMayNotBeRead(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become a user without rights")
	}
	dir, cloud := t.TempDir(), logshiptest.New(t)
	path := filepath.Join(dir, "tls.log")
	prepare := []error{
		os.Chmod(filepath.Dir(dir), 0o755),
		os.Mkdir(filepath.Join(dir, "db"), 0o700),
		os.Chown(filepath.Join(dir, "db"), nobody, nobody),
		os.WriteFile(path, []byte(recent(1, 3)), 0o600),
	}
	if err := errors.Join(prepare...); err != nil {
		t.Fatal(err)
	}
	cmd, said := agentProcess(t, dir, cloud, childNobody+"=1")
	logshiptest.Eventually(t, "the complaint", func() bool { return strings.Contains(said.String(), "permission denied") })
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	logshiptest.Eventually(t, "the lines", func() bool { return cloud.Accepted() == 3 })
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	if n := strings.Count(said.String(), "permission denied"); n != 1 || !strings.Contains(said.String(), "usermod") {
		t.Errorf("said %d times: %s", n, said)
	}
}
