package apacheconf

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
)

// unnamedCaches counts the caches that the running Apache seems to hold and
// that its files no longer name: a file was edited since it was loaded, and it
// has more shared memory than scoreboard and configured caches need. mod_ssl
// takes anonymous shared memory for its caches
// (modules/cache/mod_socache_shmcb.c). It returns the edited file.
func (s *Server) unnamedCaches() (edited string, n int) {
	p, ok := s.parent()
	if !ok {
		return "", 0
	}
	if edited = s.editedSince(loadedAt(p)); edited == "" {
		return "", 0
	}
	known := 1 // the scoreboard
	for _, name := range cacheDirectives {
		if active(conf.Last(s.conf, name)) {
			known++
		}
	}
	return edited, sharedRegions(p.pid) - known
}

// sharedRegions counts the anonymous shared mappings of more than one page; a
// mutex has one page. Source: proc_pid_maps(5).
func sharedRegions(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "rw-s" || !strings.HasPrefix(fields[5], "/dev/zero") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		a, _ := strconv.ParseUint(from, 16, 64)
		b, _ := strconv.ParseUint(to, 16, 64)
		if b-a > uint64(os.Getpagesize()) {
			n++
		}
	}
	return n
}

// loadedAt is when the running Apache read its files, or earlier: the start of
// its oldest worker. Every reload brings new workers.
func loadedAt(parent process) time.Time {
	var oldest time.Time
	for pid := range workers(parent) {
		at, ok := startedAt(pid)
		if ok && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return oldest
}

// startedAt is when a process was started, to a hundredth of a second.
func startedAt(pid int) (time.Time, bool) {
	p, ok := readProcess(pid)
	up, known := uptimeTicks()
	return time.Now().Add(-time.Duration(up-p.started) * time.Second / clockTicks), ok && known
}

// editedSince finds a configuration file that was written after a moment.
func (s *Server) editedSince(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	for _, inc := range s.includes {
		if info, err := os.Stat(inc.File); err == nil && info.ModTime().After(t) {
			return inc.File
		}
	}
	return ""
}
