package owner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// announced is a work that tells its process id and sleeps; act is done with
// that, then the context ends.
func announced(t *testing.T, act func(pid int)) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n')
		var pid int
		fmt.Sscan(line, &pid)
		act(pid)
		cancel()
		io.Copy(io.Discard, r)
	}()
	done := make(chan error, 1)
	go func() {
		done <- Owner{someone, someone}.Run(ctx, Work{Env: []string{childWork + "=announce"}, Stdout: w, Stderr: io.Discard, Grace: 100 * time.Millisecond})
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("root waits for ever")
		return nil
	}
}

func TestStoppedWorkEndsWithItsContext(t *testing.T) {
	needRoot(t)
	err := announced(t, func(pid int) { syscall.Kill(pid, syscall.SIGSTOP) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A traced process whose tracer does not look never ends for its parent
// (ptrace(2), "Death under ptrace").
func TestTracedWorkDoesNotKeepRootWaiting(t *testing.T) {
	needRoot(t)
	var tracer *exec.Cmd
	err := announced(t, func(pid int) {
		tracer = exec.Command("/proc/self/exe")
		tracer.Env = []string{childWork + "=trace", "PID=" + strconv.Itoa(pid)}
		tracer.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := tracer.StdoutPipe()
		if err = errors.Join(err, tracer.Start()); err != nil {
			t.Error(err)
			return
		}
		if said, _ := bufio.NewReader(out).ReadString('\n'); said != "tracing\n" {
			t.Error("the tracer cannot trace")
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if tracer != nil && tracer.Process != nil {
		tracer.Process.Kill()
		tracer.Wait()
	}
}

// trace traces the process PID without ever looking at it.
func trace() {
	runtime.LockOSThread()
	pid, err := strconv.Atoi(os.Getenv("PID"))
	if err = errors.Join(err, syscall.PtraceAttach(pid)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tracing")
	time.Sleep(time.Hour)
}
