// Package flock holds a lock of the kernel on a file, so that a lock dies with
// its holder and a stale file never blocks. The file holds the holder's pid
// for the message only. It imports nothing of the project.
package flock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const retryEvery = 50 * time.Millisecond

// Lock is a lock that is held.
type Lock struct{ file *os.File }

// HeldError says that another process held the lock all the time.
type HeldError struct {
	Path   string
	PID    int // 0 where the file does not say
	Waited time.Duration
}

func (e *HeldError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("lock %s is held by %s (waited %s)", e.Path, who, e.Waited.Round(time.Millisecond))
}

// Acquire takes the lock on path, which it creates with mode 0600, waiting at
// most wait. It returns *HeldError when that was not long enough.
func Acquire(ctx context.Context, path string, wait time.Duration) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening lock: %w", err)
	}
	start := time.Now()
	if err := take(ctx, f, wait); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &HeldError{Path: path, PID: holder(f), Waited: time.Since(start)}
		}
		return nil, fmt.Errorf("taking lock %s: %w", path, err)
	}
	sign(f)
	return &Lock{f}, nil
}

// take tries until the time is up; the kernel's own waiting has no deadline.
func take(ctx context.Context, f *os.File, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(retryEvery, time.Until(deadline))):
		}
	}
}

// sign writes our pid. Failing to only makes another's message poorer.
func sign(f *os.File) {
	if f.Truncate(0) == nil {
		fmt.Fprintf(io.NewOffsetWriter(f, 0), "%d\n", os.Getpid())
	}
}

func holder(f *os.File) int {
	data, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return pid
}

// Release gives the lock back. The file stays: removing it would let two
// processes hold locks on two files of one name.
func (l *Lock) Release() error { return l.file.Close() }
