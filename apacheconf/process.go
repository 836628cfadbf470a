package apacheconf

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

// process is what /proc tells of one.
type process struct {
	pid, parent int
	name        string
	state       byte
	started     int64 // in ticks since the boot
}

// readProcess parses /proc/PID/stat: the name is in parentheses and may hold
// blanks. Source: proc_pid_stat(5).
func readProcess(pid int) (process, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	s := string(text)
	open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(s[end+1:])
	if len(fields) < 20 {
		return process{}, false
	}
	parent, _ := strconv.Atoi(fields[1])
	started, err := strconv.ParseInt(fields[19], 10, 64) // field 22
	return process{pid, parent, s[open+1 : end], fields[0][0], started}, err == nil
}

// parent is the running httpd of this configuration, ok only where it lives.
// `kill -0` would not do: a zombie, or a stranger with the old number, passes it.
func (s *Server) parent() (process, bool) {
	text, err := os.ReadFile(s.PidFile)
	if err != nil {
		return process{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return process{}, false
	}
	p, ok := readProcess(pid)
	known := p.name == "apache2" || p.name == "httpd" || strings.HasPrefix(filepath.Base(s.Binary), p.name)
	return p, ok && known && p.state != 'Z' && p.state != 'X'
}

// workers are the children of p by the same program name: not its log pipes.
func workers(p process) map[int]bool {
	out := map[int]bool{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if c, ok := readProcess(pid); ok && c.parent == p.pid && c.name == p.name && c.state != 'Z' {
			out[pid] = true
		}
	}
	return out
}

// control runs a command of the service manager or of httpd itself.
func (s *Server) control(ctx context.Context, argv []string) error {
	argv, err := safepath.Command(argv, s.httpd.env)
	if err == nil {
		_, err = child.Run(ctx, child.Cmd{Argv: argv, Env: s.httpd.env, Timeout: reloadTimeout})
	}
	return err
}

// startable refuses a change while others may change start_command: when the
// change has killed Apache it is too late to find out that it must not be run.
func (s *Server) startable() error {
	if len(s.cfg.StartCommand) == 0 {
		return nil
	}
	_, err := safepath.Command(s.cfg.StartCommand, s.httpd.env)
	if open, ok := errors.AsType[*safepath.Error](err); ok {
		return hint.Wrap(&conf.RefusedError{Why: "start_command: " + open.Error()}, hint.Of(err))
	}
	return nil
}

func (s *Server) reloadArgv() []string {
	switch {
	case s.underSystemd():
		return []string{"systemctl", "reload", s.unit()}
	case s.httpd.system && s.Layout == Debian:
		return []string{"apache2ctl", "graceful"}
	}
	return s.httpd.argv("-k", "graceful")
}

// startArgv never makes Apache our child: the service manager's command, or a
// start that detaches itself.
func (s *Server) startArgv() []string {
	switch {
	case len(s.cfg.StartCommand) > 0:
		return s.cfg.StartCommand
	case s.underSystemd():
		return []string{"systemctl", "start", s.unit()}
	case s.httpd.system && s.Layout == Debian:
		return []string{"apache2ctl", "start"}
	}
	return s.httpd.argv("-k", "start")
}

func (s *Server) stopArgv() []string {
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
func (s *Server) underSystemd() bool { return s.httpd.system && exists("/run/systemd/system") }

// reload makes the running Apache read its files again and returns when a new
// generation of workers exists, or with the reason why none came. The exit
// status alone proves nothing: it is 0 also where Apache dies of what it read.
func (s *Server) reload(ctx context.Context) error {
	p, ok := s.parent()
	if !ok {
		return errNotRunning
	}
	old := generationOf(p)
	if err := s.control(ctx, s.reloadArgv()); err != nil {
		return fmt.Errorf("reloading apache: %w", err)
	}
	return poll(ctx, holdTimeout, func() (bool, error) {
		if now, ok := s.parent(); !ok || now.pid != p.pid {
			return false, errDied
		}
		return old.replaced(), errNoWorkers
	})
}

var (
	errNotRunning = errors.New("apache is not running")
	errNoWorkers  = errors.New("no new workers")
	errDied       = errors.New("apache died of the reload")
	errSettled    = errors.New("the new workers serve something else than was proved")
)

// settleTime is how long a started Apache may take to write its PidFile before
// it is started once more: a second one beside it would find the port taken.
const settleTime = 2 * time.Second

// start brings a dead Apache up. The first attempts may meet workers of the
// dead one that still hold the port.
func (s *Server) start(ctx context.Context) error {
	if err := s.makeRunDirs(ctx); err != nil {
		return err
	}
	var failed error
	err := poll(ctx, holdTimeout, func() (bool, error) {
		if _, ok := s.parent(); ok {
			return true, nil
		}
		if failed = s.control(ctx, s.startArgv()); failed != nil {
			return false, nil
		}
		return poll(ctx, settleTime, func() (bool, error) { _, ok := s.parent(); return ok, nil }) == nil, nil
	})
	if err != nil {
		return fmt.Errorf("starting apache: %w", errors.Join(err, failed))
	}
	return nil
}

func (s *Server) stop(ctx context.Context) error {
	p, ok := s.parent()
	if !ok {
		return nil
	}
	if err := s.control(ctx, s.stopArgv()); err != nil {
		return fmt.Errorf("stopping apache: %w", err)
	}
	return poll(ctx, holdTimeout, func() (bool, error) {
		_, ok := readProcess(p.pid)
		now, alive := s.parent()
		return !ok || !alive || now.pid != p.pid, nil
	})
}

// poll asks until done, the deadline or the end of ctx. An error from done is
// the reason for the time-out, except errDied and errSettled, which end the wait.
func poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, why := done()
		if ok {
			return nil
		}
		if errors.Is(why, errDied) || errors.Is(why, errSettled) {
			return why
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), why)
		case <-tick.C:
		}
	}
}

func notRunning(s *Server) error {
	return hint.Wrap(&conf.RefusedError{Why: "Apache is not running",
		Findings: []conf.Finding{{Code: "not-running", File: s.PidFile, What: "no live process behind this PidFile"}}},
		"start it first: "+strings.Join(s.startArgv(), " "))
}
