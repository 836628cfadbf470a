package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tlskeeper/internal/flock"
)

// rootPrefix begins the name of every demo's temporary root. Whatever runs
// with such a path on its command line was started by a demo.
const rootPrefix = "tlskeeper-demo-"

// root is the temporary directory that holds everything a demo makes. Its
// lock is held while the demo lives, so that a later run can tell a killed
// demo's remains from a demo that is at work.
type root struct {
	dir  string
	lock *flock.Lock
}

// newRoot clears what killed demos left and makes a root of our own.
func newRoot() (*root, error) {
	if err := clearLeftovers(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", rootPrefix)
	if err != nil {
		return nil, err
	}
	// Apache's workers, another user, must be able to walk through it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := lockRoot(dir)
	return &root{dir, lock}, err
}

// path names a file below the root.
func (r *root) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// remove ends what still runs below the root, then deletes it.
func (r *root) remove() error {
	err := endProcesses(r.dir)
	return errors.Join(err, os.RemoveAll(r.dir), r.lock.Release())
}

func clearLeftovers() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), rootPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		lock, err := lockRoot(dir)
		if err != nil {
			continue // its demo is running, or it is not ours to touch
		}
		fmt.Fprintln(os.Stderr, "clearing what a killed demo left in", dir)
		if err := (&root{dir, lock}).remove(); err != nil {
			return fmt.Errorf("clearing %s: %w", dir, err)
		}
	}
	return nil
}

func lockRoot(dir string) (*flock.Lock, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() || !info.IsDir() {
		return nil, fmt.Errorf("%s is not ours", dir)
	}
	return flock.Acquire(background(), filepath.Join(dir, "demo.lock"), 0)
}

// endProcesses ends every process that has dir on its command line, and waits
// until they are gone.
func endProcesses(dir string) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		pids := processesOf(dir)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v do not end", pids)
		}
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func processesOf(dir string) []int {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var pids []int
	for _, line := range lines {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		text, err := os.ReadFile(line)
		if err == nil && strings.Contains(string(text), dir+"/") && startedByUs(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// startedByUs spares an editor or a pager that a person has open on our files.
func startedByUs(pid int) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	name := strings.TrimSuffix(filepath.Base(exe), " (deleted)")
	return err == nil && slices.Contains([]string{"tlskeeper", "apache2", "httpd", "logrotate"}, name)
}
