// Package killat kills a program with SIGKILL right before its n-th change of
// a file: what a power failure or an OOM killer does, at a chosen place. Tests
// use it; the product never links it. It imports nothing of the project, and
// needs a Linux that permits ptrace.
package killat

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrNotPermitted says that this host does not let a process trace its child.
var ErrNotPermitted = errors.New("tracing a child is not permitted here")

// Result is what became of a program.
type Result struct {
	Killed  bool
	Call    string // before which it was killed
	Changes int    // of files, those it made
	Exit    int    // where it was not killed
}

// Run starts cmd and ends it by SIGKILL before the change number n; 0 lets it
// live. Programs that cmd starts are neither counted nor killed. The output
// must go to files, or nowhere.
func Run(cmd *exec.Cmd, n int) (Result, error) {
	type outcome struct {
		result Result
		err    error
	}
	done := make(chan outcome)
	go func() {
		runtime.LockOSThread() // a tracee belongs to a thread; it ends with this goroutine
		result, err := run(cmd, n)
		done <- outcome{result, err}
	}()
	o := <-done
	return o.result, o.err
}

func run(cmd *exec.Cmd, n int) (Result, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, syscall.EPERM) {
			return Result{}, ErrNotPermitted
		}
		return Result{}, err
	}
	defer cmd.Process.Release() // it is waited for here
	pid := cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := wait(pid, &status); err != nil {
		return Result{}, err
	}
	options := unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		return Result{}, fmt.Errorf("tracing: %w", err)
	}
	t := tracer{pid: pid, at: n}
	err := t.follow()
	return t.result, err
}

type tracer struct {
	pid, at int
	result  Result
}

// follow lets all threads run from one system call to the next.
func (t *tracer) follow() error {
	tid, signal := t.pid, 0
	for {
		if err := syscall.PtraceSyscall(tid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("going on: %w", err)
		}
		var status syscall.WaitStatus
		var err error
		if tid, err = wait(-t.pid, &status); err != nil {
			return err
		}
		for !status.Stopped() {
			if tid == t.pid {
				t.result.Exit = status.ExitStatus()
				return nil
			}
			if tid, err = wait(-t.pid, &status); err != nil {
				return err
			}
		}
		if signal = t.stopped(tid, status); t.result.Killed {
			return t.reap()
		}
	}
}

// stopped returns the signal to pass on, 0 for none.
func (t *tracer) stopped(tid int, status syscall.WaitStatus) int {
	switch status.StopSignal() {
	case syscall.SIGTRAP | 0x80:
		call := changeOf(tid)
		if call == "" {
			return 0
		}
		if t.result.Changes++; t.result.Changes == t.at {
			t.result.Changes--
			t.result.Killed, t.result.Call = true, call
			syscall.Kill(t.pid, syscall.SIGKILL)
		}
		return 0
	case syscall.SIGTRAP, syscall.SIGSTOP: // exec, a new thread
		return 0
	}
	return int(status.StopSignal())
}

// reap waits until the killed process is gone, its threads included.
func (t *tracer) reap() error {
	for {
		var status syscall.WaitStatus
		tid, err := wait(-t.pid, &status)
		if err != nil || tid == t.pid && !status.Stopped() {
			return err
		}
	}
}

func wait(pid int, status *syscall.WaitStatus) (int, error) {
	for {
		tid, err := syscall.Wait4(pid, status, unix.WALL, nil)
		if !errors.Is(err, syscall.EINTR) {
			return tid, err
		}
	}
}

// changes are the system calls by which Go's os package changes files.
var changes = map[uint64]string{
	unix.SYS_RENAMEAT: "rename", unix.SYS_RENAMEAT2: "rename", unix.SYS_UNLINKAT: "unlink", unix.SYS_SYMLINKAT: "symlink",
	unix.SYS_LINKAT: "link", unix.SYS_MKDIRAT: "mkdir", unix.SYS_FCHMOD: "chmod", unix.SYS_FCHMODAT: "chmod", unix.SYS_FCHMODAT2: "chmod",
	unix.SYS_FSYNC: "fsync", unix.SYS_FTRUNCATE: "truncate", unix.SYS_OPENAT: "create", unix.SYS_WRITE: "write",
	unix.SYS_FCHOWNAT: "chown", unix.SYS_FCHOWN: "chown", unix.SYS_UTIMENSAT: "touch",
}

// syscallInfo is struct ptrace_syscall_info of linux/ptrace.h, at an entry.
type syscallInfo struct {
	op     uint8
	_      [3]uint8
	_      uint32 // architecture
	_, _   uint64 // instruction and stack pointer
	number uint64
	args   [6]uint64
	_      [4]uint64 // room for what newer kernels add
}

const (
	ptraceGetSyscallInfo = 0x420e
	entry                = 1
)

// changeOf names the change that a thread is about to make, "" for none.
func changeOf(tid int) string {
	var info syscallInfo
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, ptraceGetSyscallInfo, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != entry {
		return ""
	}
	name := changes[info.number]
	if name == "create" && info.args[2]&syscall.O_CREAT == 0 || name == "write" && !isFile(tid, info.args[0]) {
		return ""
	}
	return name
}

// isFile tells files from sockets, pipes, terminals and event descriptors.
func isFile(tid int, fd uint64) bool {
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, fd))
	return err == nil && strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "/dev/") && !strings.HasPrefix(target, "/proc/")
}
