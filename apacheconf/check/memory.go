package check

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// unnamedCaches counts the caches that the running Apache seems to hold and
// that its files no longer name: a file was edited since it was loaded, and it
// has more shared memory than scoreboard and configured caches need. mod_ssl
// takes anonymous shared memory for its caches
// (modules/cache/mod_socache_shmcb.c). It returns the edited file.
func unnamedCaches(s *httpd.Server) (edited string, n int) {
	p, ok := s.Parent()
	if !ok {
		return "", 0
	}
	if edited = s.EditedSince(s.LoadedAt()); edited == "" {
		return "", 0
	}
	known := 1 // the scoreboard
	for _, name := range cacheDirectives {
		if active(conf.Last(s.Conf, name)) {
			known++
		}
	}
	return edited, sharedRegions(p.PID) - known
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
