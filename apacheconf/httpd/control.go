package httpd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/child"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
)

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

// ErrDied ends every wait.
const ErrDied = Final("apache died of the reload")

var errNotRunning = errors.New("apache is not running")

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

// serverDown is a sentence of a report; Apache is a name.
const serverDown = "Apache is not running"

// Running returns nil where the Apache of this configuration lives.
func (s *Server) Running() error {
	if _, ok := s.Parent(); ok {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%s (%s names no live process)", serverDown, s.PidFile), "start it: "+strings.Join(s.StartArgv(), " "))
}
