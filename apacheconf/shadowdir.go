package apacheconf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tlskeeper/internal/flock"
)

const (
	shadowPrefix = "tlskeeper-shadow-"
	shadowLock   = "lock"      // held as long as the shadow's maker lives
	lockless     = time.Minute // how long one may be in the making
)

// shadowDir makes a directory for a shadow: in the state directory where there
// is one, else in the temporary directory, because a plan leaves nothing
// behind. What killed runs left in either goes first.
func (s *Server) shadowDir() (dir string, lock *flock.Lock, err error) {
	sweep(s.cfg)
	for _, parent := range []string{s.cfg.StateDir, os.TempDir()} {
		if parent == "" || !isDir(parent) {
			continue
		}
		if dir, err = os.MkdirTemp(parent, shadowPrefix); err == nil {
			break
		}
	}
	if err == nil {
		lock, err = flock.Acquire(context.Background(), filepath.Join(dir, shadowLock), 0)
	}
	if err != nil {
		os.Remove(dir)
		return "", nil, fmt.Errorf("making the shadow's directory: %w", err)
	}
	return dir, lock, nil
}

// sweep removes the shadows of runs that were killed. Their Apache ended with
// them.
func sweep(cfg Config) {
	for _, parent := range []string{cfg.StateDir, os.TempDir()} {
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
