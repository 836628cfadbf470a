package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/flock"
)

const (
	shadowPrefix = "tlskeeper-shadow-"
	shadowLock   = "lock"      // held as long as the shadow's maker lives
	lockless     = time.Minute // how long one may be in the making
)

// room is what a shadow may need: its configuration, and a log for each host.
const room = 1 << 20

// makeDir makes a directory for a shadow: in the state directory where there
// is one with room, else in the temporary directory, because a plan leaves
// nothing behind. What killed runs left in either goes first.
func makeDir(stateDir string) (dir string, lock *flock.Lock, err error) {
	Sweep(stateDir)
	var failed []error
	for _, parent := range []string{stateDir, os.TempDir()} {
		if parent == "" || !httpd.IsDir(parent) {
			continue
		}
		if dir, lock, err = dirIn(parent); err == nil {
			return dir, lock, nil
		}
		failed = append(failed, err)
	}
	return "", nil, fmt.Errorf("making the shadow's directory: %w", errors.Join(failed...))
}

func dirIn(parent string) (dir string, lock *flock.Lock, err error) {
	if dir, err = os.MkdirTemp(parent, shadowPrefix); err != nil {
		return "", nil, err
	}
	// A directory can be made on a disk that takes no file.
	trial := filepath.Join(dir, "trial")
	if err = os.WriteFile(trial, make([]byte, room), 0o600); err == nil {
		os.Remove(trial)
		lock, err = flock.Acquire(context.Background(), filepath.Join(dir, shadowLock), 0)
	}
	if err != nil {
		os.RemoveAll(dir)
	}
	return dir, lock, err
}

// Sweep removes the shadows of runs that were killed. Their Apache ended with
// them.
func Sweep(stateDir string) {
	for _, parent := range []string{stateDir, os.TempDir()} {
		left, _ := filepath.Glob(filepath.Join(parent, shadowPrefix+"*"))
		for _, dir := range left {
			if abandoned(dir) {
				os.RemoveAll(dir)
			}
		}
	}
}

// abandoned: of our own user, and the kernel let go of its lock. One without a
// signed lock is being made.
func abandoned(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return false
	}
	path := filepath.Join(dir, shadowLock)
	if holder, err := os.ReadFile(path); err != nil || len(holder) == 0 {
		return time.Since(info.ModTime()) > lockless
	}
	lock, err := flock.Acquire(context.Background(), path, 0)
	if err != nil {
		return false
	}
	return lock.Release() == nil
}
