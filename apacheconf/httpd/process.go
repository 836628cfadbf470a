package httpd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/child"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
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

// control runs a command of the service manager or of httpd itself.
func (s *Server) control(ctx context.Context, argv []string) error {
	argv, err := safepath.Command(argv, s.httpd.env)
	if err == nil {
		_, err = child.Run(ctx, child.Cmd{Argv: argv, Env: s.httpd.env, Timeout: ReloadTimeout})
	}
	return err
}

// Startable refuses a change while others may change start_command: when the
// change has killed Apache it is too late to find out that it must not be run.
func (s *Server) Startable() error {
	if len(s.Config.StartCommand) == 0 {
		return nil
	}
	_, err := safepath.Command(s.Config.StartCommand, s.httpd.env)
	if open, ok := errors.AsType[*safepath.Error](err); ok {
		return hint.Wrap(&conf.RefusedError{Why: "start_command: " + open.Error()}, hint.Of(err))
	}
	return nil
}

// ReloadArgv is the command that makes the running Apache read its files again.
func (s *Server) ReloadArgv() []string {
	switch {
	case s.underSystemd():
		return []string{"systemctl", "reload", s.unit()}
	case s.httpd.system && s.Layout == Debian:
		return []string{"apache2ctl", "graceful"}
	}
	return s.httpd.argv("-k", "graceful")
}

// StartArgv never makes Apache our child: the service manager's command, or a
// start that detaches itself.
func (s *Server) StartArgv() []string {
	switch {
	case len(s.Config.StartCommand) > 0:
		return s.Config.StartCommand
	case s.underSystemd():
		return []string{"systemctl", "start", s.unit()}
	case s.httpd.system && s.Layout == Debian:
		return []string{"apache2ctl", "start"}
	}
	return s.httpd.argv("-k", "start")
}

// StopArgv is the command that ends the running Apache.
func (s *Server) StopArgv() []string {
	switch {
	case s.underSystemd():
		return []string{"systemctl", "stop", s.unit()}
	case s.httpd.system && s.Layout == Debian:
		return []string{"apache2ctl", "stop"}
	}
	return s.httpd.argv("-k", "stop")
}

func (s *Server) unit() string {
	if s.Layout == Debian {
		return "apache2.service"
	}
	return "httpd.service"
}

// underSystemd: only the distribution's own instance is a unit we know.
// Source: sd_booted(3).
func (s *Server) underSystemd() bool { return s.httpd.system && Exists("/run/systemd/system") }

// Reload makes the running Apache read its files again and returns when a new
// generation of workers exists, or with the reason why none came. The exit
// status alone proves nothing: it is 0 also where Apache dies of what it read.
func (s *Server) Reload(ctx context.Context) error {
	p, ok := s.Parent()
	if !ok {
		return errNotRunning
	}
	old := generationOf(p)
	if err := s.control(ctx, s.ReloadArgv()); err != nil {
		return fmt.Errorf("reloading apache: %w", err)
	}
	return Poll(ctx, HoldTimeout, func() (bool, error) {
		if now, ok := s.Parent(); !ok || now.PID != p.PID {
			return false, ErrDied
		}
		return old.replaced(), errNoWorkers
	})
}

// Final is a reason that no further waiting changes.
type Final string

func (f Final) Error() string { return string(f) }

// ErrDied ends every wait.
const ErrDied = Final("apache died of the reload")

var (
	errNotRunning = errors.New("apache is not running")
	errNoWorkers  = errors.New("no new workers")
)

// settleTime is how long a started Apache may take to write its PidFile before
// it is started once more: a second one beside it would find the port taken.
const settleTime = 2 * time.Second

// Start brings a dead Apache up. The first attempts may meet workers of the
// dead one that still hold the port.
func (s *Server) Start(ctx context.Context) error {
	if err := s.makeRunDirs(ctx); err != nil {
		return err
	}
	var failed error
	err := Poll(ctx, HoldTimeout, func() (bool, error) {
		if _, ok := s.Parent(); ok {
			return true, nil
		}
		if failed = s.control(ctx, s.StartArgv()); failed != nil {
			return false, nil
		}
		return Poll(ctx, settleTime, func() (bool, error) { _, ok := s.Parent(); return ok, nil }) == nil, nil
	})
	if err != nil {
		return fmt.Errorf("starting apache: %w", errors.Join(err, failed))
	}
	return nil
}

// Stop ends the running Apache and returns when its process is gone.
func (s *Server) Stop(ctx context.Context) error {
	p, ok := s.Parent()
	if !ok {
		return nil
	}
	if err := s.control(ctx, s.StopArgv()); err != nil {
		return fmt.Errorf("stopping apache: %w", err)
	}
	return Poll(ctx, HoldTimeout, func() (bool, error) {
		_, ok := readProcess(p.PID)
		now, alive := s.Parent()
		return !ok || !alive || now.PID != p.PID, nil
	})
}

// Poll asks until done, the deadline or the end of ctx. An error from done is
// the reason for the time-out; a final one ends the wait.
func Poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, why := done()
		if ok {
			return nil
		}
		if _, ended := errors.AsType[Final](why); ended {
			return why
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), why)
		case <-tick.C:
		}
	}
}

// LoadOrStart makes Apache run what is on disk: by a reload where it lives, else
// by a start.
func (s *Server) LoadOrStart(ctx context.Context) error {
	if _, ok := s.Parent(); ok {
		err := s.Reload(ctx)
		if !errors.Is(err, ErrDied) && !errors.Is(err, errNotRunning) {
			return err
		}
	}
	return s.Start(ctx)
}

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

// serverDown is a sentence of a report; Apache is a name.
const serverDown = "Apache is not running"

// Running returns nil where the Apache of this configuration lives.
func (s *Server) Running() error {
	if _, ok := s.Parent(); ok {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%s (%s names no live process)", serverDown, s.PidFile), "start it: "+strings.Join(s.StartArgv(), " "))
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
