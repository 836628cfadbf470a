package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"tlskeeper/internal/child"
)

const commandTimeout = 60 * time.Second

// shell runs tlskeeper as a user would, in the demo's root, and shows both
// the command and its answer.
type shell struct {
	screen
	binary string
	env    []string
}

// run runs one command; expect lists the exit codes that are as they should
// be, beside 0.
func (s *shell) run(ctx context.Context, expect []int, args ...string) error {
	s.showCommand(append([]string{"tlskeeper"}, quoted(args)...)...)
	result, err := s.call(ctx, args...)
	s.show(result.Stdout)
	s.show(result.Stderr)
	if exit, ok := errors.AsType[*child.ExitError](err); ok && slices.Contains(expect, exit.Result.ExitCode) {
		return nil
	}
	return err
}

// answer runs a command whose standard output the demo itself reads.
func (s *shell) answer(ctx context.Context, args ...string) (string, error) {
	result, err := s.call(ctx, args...)
	return strings.TrimSpace(string(result.Stdout)), err
}

func (s *shell) call(ctx context.Context, args ...string) (child.Result, error) {
	return child.Run(ctx, child.Cmd{Argv: append([]string{s.binary}, args...), Env: s.env, Timeout: commandTimeout})
}

// start starts a command that stays, and returns how to end it: SIGTERM, as
// systemd does, and the wait for its end.
func (s *shell) start(logFile string, args ...string) (stop func() error, err error) {
	s.showCommand(append([]string{"tlskeeper"}, append(quoted(args), "&")...)...)
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(s.binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is ours to pass on, in order
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return func() error { return errors.Join(end(cmd), out.Close()) }, nil
}

// end asks cmd to end, and kills it when it does not within ten seconds.
func end(cmd *exec.Cmd) error {
	kill := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
	defer kill.Stop()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return cmd.Wait()
}

// quoted writes arguments as a shell would need them.
func quoted(args []string) []string {
	var words []string
	for _, a := range args {
		if strings.ContainsAny(a, " *\"'()") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return words
}
