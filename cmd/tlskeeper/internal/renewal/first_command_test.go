package renewal

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/status"
)

// The first command on a host, without `setup`: the state file is for
// everybody, and so is the way to it; the keys are not.
func TestFirstRunLeavesThePublicStateReadable(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	var serve error
	h := offline(t, &serve)
	lib := filepath.Join(t.TempDir(), "lib")
	h.moveTo(filepath.Join(lib, "acme"))
	h.run(Options{})
	for path, want := range map[string]os.FileMode{lib: 0o755, h.cfg.Dir: 0o700, status.StatePath(h.cfg.Dir): 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}
