package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The bytes of the -shm file that SQLite locks (sqlite.org/walformat.html,
// section 2.3.1, WAL-Index Locks).
var (
	writerLock  = lockRange{120, 120}
	readerLocks = lockRange{121, 127} // the checkpointer's, and the readers'
)

type lockRange struct{ first, last int64 }

// holder names a process other than this one that holds a lock on bytes of the
// file at path. It reads /proc/locks: to open the file for F_GETLK, and to close
// it, would drop the locks that SQLite holds in this process (fcntl(2)).
func holder(path string, of lockRange) string {
	const somebody = "another process"
	info, err := os.Stat(path)
	if err != nil {
		return somebody
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return somebody
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return somebody
	}
	defer locks.Close()
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	pid := lockedBy(locks, file, of)
	if pid <= 0 { // a lock of an open file, or of another PID namespace
		return somebody
	}
	return processName(pid)
}

// lockedBy finds who locks bytes of file ("major:minor:inode") in the lines of
// /proc/locks (proc_locks(5)); 0 is nobody.
func lockedBy(locks io.Reader, file string, of lockRange) int {
	in := bufio.NewScanner(locks)
	for in.Scan() {
		f := strings.Fields(in.Text())
		if len(f) != 8 || f[5] != file { // one that waits has "->" before it
			continue
		}
		pid, err := strconv.Atoi(f[4])
		if err == nil && pid != os.Getpid() && of.overlaps(f[6], f[7]) {
			return pid
		}
	}
	return 0
}

func (r lockRange) overlaps(first, last string) bool {
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return false
	}
	to, err := strconv.ParseInt(last, 10, 64)
	return from <= r.last && (err != nil || to >= r.first) // "EOF" is no number
}

// processName is "process 12 (python3)". The name is the process's own choice.
func processName(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("process %d (%s)", pid, strings.TrimSuffix(string(name), "\n"))
}

// blocked is since when a write has been waiting for the write lock. It has a lock
// of its own, so that one can ask while the write waits.
type blocked struct {
	mu    sync.Mutex
	since time.Time
}

func (b *blocked) begin(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since = now
	}
}

func (b *blocked) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since = time.Time{}
}

// Blocked tells since when nothing could be written because another process
// holds the write lock, and which one; a zero time when that is not so.
func (s *Store) Blocked() (since time.Time, by string) {
	s.blocked.mu.Lock()
	since = s.blocked.since
	s.blocked.mu.Unlock()
	if since.IsZero() {
		return since, ""
	}
	return since, holder(s.path+"-shm", writerLock)
}
