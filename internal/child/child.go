// Package child runs other programs: always with a deadline, a bounded output
// and an environment of its own, never through a shell. The whole process
// group ends with the call, and the program itself with ours. What should
// outlive the call must leave the group, as a daemon does (setsid).
// It imports nothing of the project.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// defaultMaxOutput bounds each of stdout and stderr where Cmd does not say.
const defaultMaxOutput = 1 << 20

// grace is how long a killed child's pipes may stay open (a grandchild that
// left the group can hold them).
const grace = 2 * time.Second

// Cmd is one program to run.
type Cmd struct {
	Argv      []string      // program and arguments; the program is looked up on our own PATH
	Env       []string      // nil: only MinimalEnv
	Dir       string        // working directory; "" is the caller's
	Stdin     []byte        // nil: /dev/null
	Timeout   time.Duration // required
	MaxOutput int           // bytes of each stream kept; 0 is defaultMaxOutput
}

// Result is what a program left.
type Result struct {
	ExitCode       int // -1 where a signal ended it
	Stdout, Stderr []byte
	Truncated      bool // a stream was longer than MaxOutput
}

// ExitError says that the program ran and ended with a status other than 0.
type ExitError struct {
	Argv0  string
	Result Result
}

func (e *ExitError) Error() string {
	msg := fmt.Sprintf("%s ended with status %d", e.Argv0, e.Result.ExitCode)
	if words := lastWords(string(e.Result.Stderr)); words != "" {
		msg += ": " + words
	}
	return msg
}

// quoted is how much of a program's standard error its ExitError repeats.
const quoted = 2000

// lastWords is the end of text, where a program says why it gave up.
func lastWords(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= quoted {
		return text
	}
	return "..." + strings.ToValidUTF8(text[len(text)-quoted:], "")
}

// MinimalEnv is the environment of a child that was given none.
func MinimalEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
}

// Run runs c to its end. It returns *ExitError for a status other than 0, and
// an error that is context.DeadlineExceeded when the time was up. The Result
// holds what was printed in every case.
func Run(ctx context.Context, c Cmd) (Result, error) {
	if len(c.Argv) == 0 || c.Timeout <= 0 {
		return Result{}, errors.New("running a program: it needs a name and a timeout")
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cmd, out, errs := prepare(ctx, c)
	err := runGroup(cmd)
	result := Result{ExitCode: -1, Stdout: out.buf.Bytes(), Stderr: errs.buf.Bytes(), Truncated: out.cut || errs.cut}
	if cmd.ProcessState != nil {
		result.ExitCode = cmd.ProcessState.ExitCode()
	}
	return result, explain(ctx, c, result, err)
}

// runGroup runs cmd and then ends what it left in its process group. The
// thread stays ours meanwhile: the kernel sends Pdeathsig when the thread that
// started the child ends, not the process.
func runGroup(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return err
}

func prepare(ctx context.Context, c Cmd) (*exec.Cmd, *bounded, *bounded) {
	limit := c.MaxOutput
	if limit == 0 {
		limit = defaultMaxOutput
	}
	out, errs := &bounded{limit: limit}, &bounded{limit: limit}
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.Env, c.Dir, out, errs
	if c.Env == nil {
		cmd.Env = MinimalEnv()
	}
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	return cmd, out, errs
}

func explain(ctx context.Context, c Cmd, result Result, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not end within %s: %w", c.Argv[0], c.Timeout, context.DeadlineExceeded)
	case ctx.Err() != nil:
		return fmt.Errorf("%s was stopped: %w", c.Argv[0], ctx.Err())
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // it ended well; only a grandchild kept a pipe
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return &ExitError{Argv0: c.Argv[0], Result: result}
	}
	return fmt.Errorf("starting %s: %w", c.Argv[0], err)
}

// bounded keeps the first limit bytes and swallows the rest, so that a child
// that prints for ever neither blocks nor fills the memory.
type bounded struct {
	buf   bytes.Buffer
	limit int
	cut   bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - b.buf.Len()
	if len(p) > room {
		b.cut = true
		b.buf.Write(p[:room])
		return len(p), nil
	}
	return b.buf.Write(p)
}
