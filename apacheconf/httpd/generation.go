package httpd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// generation is what the workers between two readings of the configuration have
// in common: the pipe by which the parent tells them to end. It is opened anew
// in every open_logs phase (ap_mpm_pod_open, server/mpm/*), so neither a worker
// that idle maintenance adds meanwhile nor one that replaces a dead one can be
// taken for a worker of the next generation.
//
// Measured on 2.4.71 with mpm_event, mpm_worker and mpm_prefork, each with and
// without mod_cgid and a piped log: after a graceful reload no pipe of the
// parent's is an old one except its standard input and output, and each new
// worker shares one. The process of mod_cgid shares it too, and comes before
// mod_ssl has looked at keys; it holds none of the sockets that Apache listens
// on. A young process alone is no sign, nor is a moved library: dlopen puts
// modules back at the same addresses.
type generation struct {
	parent  Process
	pipes   map[string]bool // of the parent, before the reload
	workers map[int]bool
}

func generationOf(p Process) generation {
	open, _ := descriptors(p.PID)
	return generation{parent: p, pipes: ofKind(open, "pipe:["), workers: workers(p)}
}

// replaced tells that a worker of a later generation takes connections, and so
// that Apache has lived through reading its configuration.
func (g generation) replaced() bool {
	open, readable := descriptors(g.parent.PID)
	pipes, ears := ofKind(open, "pipe:["), ofKind(open, "socket:[")
	for pipe := range g.pipes {
		delete(pipes, pipe)
	}
	if readable && len(pipes) == 0 {
		return false
	}
	for pid := range workers(g.parent) {
		if !g.workers[pid] && isOf(pid, pipes, ears) {
			return true
		}
	}
	return false
}

// isOf: where a worker's descriptors are closed to us (a container without
// CAP_SYS_PTRACE), that it is new and the parent's pipe too must do.
func isOf(pid int, pipes, ears map[string]bool) bool {
	ours, readable := descriptors(pid)
	return !readable || shareOne(ours, pipes) && shareOne(ours, ears)
}

func shareOne(a, b map[string]bool) bool {
	for k := range a {
		if b[k] {
			return true
		}
	}
	return false
}

// descriptors are the kernel's names of what a process has open, such as
// "pipe:[4026]" or "socket:[4027]"; not readable where we may list them, but not look at
// them: the list needs an owner, a look CAP_SYS_PTRACE too (proc_pid_fd(5)).
func descriptors(pid int) (names map[string]bool, readable bool) {
	names = map[string]bool{}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return names, false
	}
	for _, e := range entries {
		name, err := os.Readlink(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrPermission) {
			return map[string]bool{}, false
		}
		if err == nil {
			names[name] = true
		}
	}
	return names, true
}

func ofKind(names map[string]bool, kind string) map[string]bool {
	out := map[string]bool{}
	for name := range names {
		if strings.HasPrefix(name, kind) {
			out[name] = true
		}
	}
	return out
}
