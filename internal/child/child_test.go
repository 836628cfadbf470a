package child

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func run(t *testing.T, c Cmd) (Result, error) {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	return Run(t.Context(), c)
}

func TestExitStatusAndWords(t *testing.T) {
	_, err := run(t, Cmd{Argv: []string{"sh", "-c", "echo no good >&2; exit 3"}})
	exit, ok := errors.AsType[*ExitError](err)
	if !ok || exit.Result.ExitCode != 3 || !strings.Contains(err.Error(), "no good") {
		t.Errorf("got %v", err)
	}
}

func TestGrandchildDiesWithTheGroup(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	_, err := run(t, Cmd{Argv: []string{"sh", "-c", "sleep 300 & echo $! >" + pidFile + "; wait"}, Timeout: 500 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want a deadline", err)
	}
	data, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	waitGone(t, pid)
}

// waitGone waits until pid is no process, or only an unreaped one.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("process %d outlived the call", pid)
}

func TestEndlessOutputIsCut(t *testing.T) {
	result, err := run(t, Cmd{Argv: []string{"sh", "-c", "head -c 100000 /dev/zero"}, MaxOutput: 1000})
	if err != nil || len(result.Stdout) != 1000 || !result.Truncated {
		t.Errorf("%d bytes kept, truncated %v, %v", len(result.Stdout), result.Truncated, err)
	}
}

func TestOwnEnvironmentOnly(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "x")
	result, err := run(t, Cmd{Argv: []string{"env"}})
	if err != nil || strings.Contains(string(result.Stdout), "SECRET_TOKEN") {
		t.Errorf("the child saw %q, %v", result.Stdout, err)
	}
}

func TestMissingProgram(t *testing.T) {
	_, err := run(t, Cmd{Argv: []string{"/nonexistent/program"}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestNoTimeoutIsRefused(t *testing.T) {
	if _, err := Run(t.Context(), Cmd{Argv: []string{"true"}}); err == nil {
		t.Error("a child without a deadline was run")
	}
}

func TestBackgroundProcessEndsWithTheCall(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	if _, err := run(t, Cmd{Argv: []string{"sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $! >" + pidFile}}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	waitGone(t, pid)
}

func TestLongComplaintIsCut(t *testing.T) {
	_, err := run(t, Cmd{Argv: []string{"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x >&2; echo the reason >&2; exit 1"}})
	if err == nil || len(err.Error()) > 3000 || !strings.HasSuffix(err.Error(), "the reason") {
		t.Errorf("%d bytes of message", len(err.Error()))
	}
}
