package apacheconf

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tlskeeper/apacheconf/plan"
)

// mounted makes the rig's own directory a small file system of its own.
func (r *rig) mounted(options string) { r.mountedAt(r.cfg.EtcDir, options) }

func (r *rig) mountedAt(dir, options string) {
	r.t.Helper()
	if os.Geteuid() != 0 {
		r.t.Skip("only root may mount a file system")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		r.t.Skipf("mounting a small file system: %v", err)
	}
	r.t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func (r *rig) fails(change Change, at string, accident func()) error {
	r.t.Helper()
	before, pid := r.snapshot(), r.a.PID()
	s, p := r.plan(change)
	s.hooks.step = func(step string) {
		if strings.HasPrefix(step, at) && accident != nil {
			accident()
			accident = nil
		}
	}
	_, err := s.Apply(r.t.Context(), p)
	if err == nil {
		r.t.Fatal("applied")
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
	if r.a.PID() != pid {
		r.t.Error("another Apache runs now")
	}
	if j, _ := readJournal(journalPath(r.cfg)); j != nil {
		if back, ok := errors.AsType[*RolledBackError](err); !ok || back.Healthy {
			r.t.Error("a journal is left of a change that was undone")
		}
	}
	return err
}

// The disk is full in the middle of the installation.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.mounted("size=64k")
	dir, _ := r.generation()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	ballast := filepath.Join(r.cfg.EtcDir, "ballast")
	must(os.WriteFile(ballast, nil, 0o644))
	defer os.Remove(ballast)
	before := r.snapshot()
	s, p := r.plan(change)
	s.hooks.step = func(step string) {
		if strings.HasPrefix(step, "write ") {
			os.WriteFile(ballast, make([]byte, 64<<10), 0o644) // takes what is left
		}
	}
	_, err := s.Apply(t.Context(), p)
	if back, ok := errors.AsType[*RolledBackError](err); !ok || !back.Healthy || !errors.Is(back.Cause, syscall.ENOSPC) {
		t.Fatalf("error = %v", err)
	}
	must(os.Truncate(ballast, 0))
	delete(before, ballast)
	must(os.Remove(ballast))
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
	r.apply(change)
}

// The directory became read-only, before and in the middle.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.mounted("size=1m")
	dir, _ := r.generation()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}}
	remount := func(flags uintptr) func() {
		return func() { must(syscall.Mount("tmpfs", r.cfg.EtcDir, "tmpfs", syscall.MS_REMOUNT|flags, "size=1m")) }
	}
	remount(syscall.MS_RDONLY)()
	if err := r.fails(change, "never", nil); !errors.Is(causeOf(err), syscall.EROFS) {
		t.Errorf("error = %v", err)
	}
	remount(0)()
	before := r.snapshot()
	s, p := r.plan(change)
	s.hooks.step = func(step string) {
		if strings.HasPrefix(step, "write ") {
			remount(syscall.MS_RDONLY)()
		}
	}
	_, err := s.Apply(t.Context(), p)
	if back, ok := errors.AsType[*RolledBackError](err); !ok || back.Healthy || !errors.Is(back.Trouble, syscall.EROFS) {
		t.Fatalf("error = %v", err) // what was written cannot be taken away
	}
	r.serves("a.test", r.oldA.Leaf)
	remount(0)()
	if res := r.apply(change); !res.Healed {
		t.Error("the next run did not undo what was left")
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(before)
}

// The right to write is gone in the middle of the installation. Root loses it
// by giving up its capability, in this thread alone.
func TestPermissionLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // never unlocked: the thread ends with its loss
		err := r.fails(change, "write "+plan.SitePath(r.cfg, "a.test"), func() {
			dropOverride()
			must(os.Chmod(r.a.Dir, 0o555)) // of the admin's file, which comes next
		})
		if !errors.Is(causeOf(err), syscall.EACCES) {
			t.Errorf("error = %v", err)
		}
	}()
	<-ended
	must(os.Chmod(r.a.Dir, 0o755))
}

// dropOverride makes this thread of root obey file modes.
func dropOverride() {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	must(unix.Capget(&head, &data[0]))
	data[0].Effective &^= 1 << unix.CAP_DAC_OVERRIDE
	must(unix.Capset(&head, &data[0]))
}

// causeOf is why a change was undone; other errors are their own cause.
func causeOf(err error) error {
	if back, ok := errors.AsType[*RolledBackError](err); ok {
		return back.Cause
	}
	return err
}
