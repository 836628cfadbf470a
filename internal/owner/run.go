package owner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const grace = 10 * time.Second

// Work is a part of this program that is done as somebody else.
type Work struct {
	Args   []string // of this program
	Env    []string // nil: none
	Groups []uint32 // beside the owner's own
	Input  io.Reader
	// Stdout and Stderr get the work's words through a pipe: a terminal itself is
	// not handed out, because its holder could type on it.
	Stdout, Stderr io.Writer
	Files          []*os.File // descriptors FirstFile and up
	// Grace is how long the work may take to end when it was asked to; 0: 10 s.
	Grace time.Duration
}

// FirstFile is the descriptor of Work.Files[0] in the child.
const FirstFile = 3

// Run does w as o, without capabilities, in a session without a terminal, unable
// to gain any right (no_new_privs), and waits for it. A status other than 0 is an
// *exec.ExitError. When ctx ends, the work is asked to end, then killed, and Run
// returns at the latest a second after that.
func (o Owner) Run(ctx context.Context, w Work) error {
	if o.IsRoot() {
		return errors.New("doing work as its owner: the owner is root")
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", w.Args...)
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	cmd.Env = append([]string{}, w.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = w.Input, piped{w.Stdout}, piped{w.Stderr}, w.Files
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = cmp.Or(w.Grace, grace)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: o.UID, Gid: o.group(), Groups: w.Groups},
		Setsid:     true,
		Pdeathsig:  syscall.SIGKILL,
	}
	return runWithout(ctx, cmd)
}

// nogroup is the group of nobody, as Debian and the RHEL family number it.
const nogroup = 65534

// group is that of the directory, so that what is made there is for its readers;
// root's own group gives rights, and the user's is taken instead.
func (o Owner) group() uint32 {
	if o.GID != 0 {
		return o.GID
	}
	account, err := user.LookupId(strconv.Itoa(int(o.UID)))
	if err != nil {
		return nogroup
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil || gid == 0 {
		return nogroup
	}
	return uint32(gid)
}

// Groups are those that the user database gives o's user, without root's: for
// work that opens its files itself, as the service manager would start it.
func (o Owner) Groups() []uint32 {
	var groups []uint32
	account, err := user.LookupId(strconv.Itoa(int(o.UID)))
	if err != nil {
		return nil
	}
	ids, err := account.GroupIds()
	if err != nil {
		return nil
	}
	for _, id := range ids {
		if gid, err := strconv.ParseUint(id, 10, 32); err == nil && gid != 0 {
			groups = append(groups, uint32(gid))
		}
	}
	return groups
}

// piped hides what a writer is from os/exec, which would hand out a file itself.
type piped struct{ io.Writer }

// patience is how long a killed process may take to be gone.
const patience = time.Second

// runWithout runs cmd from a thread that has given up what the child shall not
// have. no_new_privs cannot be taken back, so the thread ends with the work: it is
// locked and never unlocked. It lives as long as the child, which dies with it.
//
// When ctx ends it returns even where the child does not end: its user can stop
// it before its program is started, when os/exec does not know it yet, or trace
// it without ever looking. The thread is left behind then.
func runWithout(ctx context.Context, cmd *exec.Cmd) error {
	thread, done := make(chan int, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		thread <- unix.Gettid()
		err := cmp.Or(closeOnExec(), giveUp())
		if err == nil {
			err = run(ctx, cmd)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(cmd.WaitDelay + patience):
		killChildren(<-thread)
		return context.Cause(ctx)
	}
}

func run(ctx context.Context, cmd *exec.Cmd) error {
	err := cmd.Run()
	if cmd.ProcessState != nil && !cmd.ProcessState.Exited() && ctx.Err() != nil {
		return context.Cause(ctx) // we ended it
	}
	return err
}

// killChildren kills what the thread started (proc_pid_task(5), children).
func killChildren(thread int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", thread))
	for _, word := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// closeOnExec keeps what we inherited to ourselves. Go's own descriptors are
// closed on exec already, a shell's (exec 9<>FILE) are not.
func closeOnExec() error {
	err := unix.CloseRange(FirstFile, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	return closeEachOnExec() // Linux before 5.11
}

func closeEachOnExec() error {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("looking at our own descriptors: %w", err)
	}
	for _, entry := range fds {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= FirstFile {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func giveUp() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up rights (no_new_privs): %w", err)
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		// Without CAP_SETPCAP the set stays. What counts is that the child
		// has none, which it looks at itself.
		unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
	}
	unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	return nil
}

// Harmless tells whether this process has the rights of an ordinary user and
// cannot gain others; the error says what is left of root's.
func Harmless() error {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return fmt.Errorf("looking at our own rights: %w", err)
	}
	if os.Getuid() == 0 || os.Geteuid() == 0 {
		return errors.New("the work of another user is not done as root")
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		held := slices.Contains([]string{"CapInh", "CapPrm", "CapEff", "CapAmb"}, name) && !isZero(value)
		if held || name == "NoNewPrivs" && value != "1" {
			return fmt.Errorf("the work of another user is not done with %s %s", name, value)
		}
	}
	return nil
}

func isZero(hex string) bool {
	n, err := strconv.ParseUint(hex, 16, 64)
	return err == nil && n == 0
}
