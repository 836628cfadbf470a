package httpd

import (
	"os"
	"strconv"
	"strings"
)

// Look tells the running Apache of one moment from every later one that may
// serve something else. It counts from the boot, so that no clock that is set
// can fool it.
type Look struct {
	Boot    string `json:"boot"`    // the kernel's name for this boot
	PID     int    `json:"pid"`     // of the parent process
	Started int64  `json:"started"` // when that began, in ticks since the boot
	At      int64  `json:"at"`      // the moment, in ticks since the boot
}

// Look is for whoever is about to see what is served, and wants to know later
// whether it can have changed; ok only where Apache lives.
func (s *Server) Look() (l Look, ok bool) {
	p, ok := s.Parent()
	l.PID, l.Started, l.Boot = p.PID, p.started, bootID()
	var known bool
	l.At, known = uptimeTicks()
	return l, ok && known && l.Boot != ""
}

// Holds tells that Apache has read no configuration since: it is the same
// process, and has no younger worker. Every reload brings new workers at once;
// a worker that came for another reason says no, too.
func (l Look) Holds() bool {
	p, alive := readProcess(l.PID)
	if !alive || p.started != l.Started || bootID() != l.Boot || p.state == 'Z' {
		return false
	}
	all := workers(p)
	for pid := range all {
		if worker, ok := readProcess(pid); !ok || worker.started >= l.At {
			return false
		}
	}
	return len(all) > 0
}

// bootID is random_boot_id of random(4), "" where it cannot be read.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// clockTicks is USER_HZ, which Linux fixes at 100 for programs.
const clockTicks = 100

// uptimeTicks is now, on the clock of process.started. Source: proc_uptime(5).
func uptimeTicks() (int64, bool) {
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	word, _, _ := strings.Cut(string(uptime), " ")
	up, err := strconv.ParseFloat(word, 64)
	return int64(up * clockTicks), err == nil
}
