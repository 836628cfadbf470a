package httpd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is what /proc tells of one.
type Process struct {
	PID, parent int
	Name        string
	state       byte
	started     int64 // in ticks since the boot
}

// readProcess parses /proc/PID/stat: the name is in parentheses and may hold
// blanks. Source: proc_pid_stat(5).
func readProcess(pid int) (Process, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	s := string(text)
	open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	fields := strings.Fields(s[end+1:])
	if len(fields) < 20 {
		return Process{}, false
	}
	parent, _ := strconv.Atoi(fields[1])
	started, err := strconv.ParseInt(fields[19], 10, 64) // field 22
	return Process{pid, parent, s[open+1 : end], fields[0][0], started}, err == nil
}

// Parent is the running httpd of this configuration, ok only where it lives.
// `kill -0` would not do: a zombie, or a stranger with the old number, passes it.
func (s *Server) Parent() (Process, bool) {
	text, err := os.ReadFile(s.PidFile)
	if err != nil {
		return Process{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return Process{}, false
	}
	p, ok := readProcess(pid)
	known := p.Name == "apache2" || p.Name == "httpd" || strings.HasPrefix(filepath.Base(s.Binary), p.Name)
	return p, ok && known && p.state != 'Z' && p.state != 'X'
}

// workers are the children of p by the same program name: not its log pipes.
func workers(p Process) map[int]bool {
	out := map[int]bool{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if c, ok := readProcess(pid); ok && c.parent == p.PID && c.Name == p.Name && c.state != 'Z' {
			out[pid] = true
		}
	}
	return out
}

var (
	errNoWorkers = errors.New("no new workers")
)

// LoadedAt is when the running Apache read its files, or earlier: the start of
// its oldest worker. Every reload brings new workers.
func (s *Server) LoadedAt() time.Time {
	var oldest time.Time
	parent, ok := s.Parent()
	if !ok {
		return oldest
	}
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

// EditedSince finds a configuration file that was written after a moment.
func (s *Server) EditedSince(t time.Time) string {
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
