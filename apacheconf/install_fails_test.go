package apacheconf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Our own directory is not one: the write fails in the middle, Apache is never
// asked to reload, and what was written is gone.
func TestWriteFailsInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	before := r.snapshot()
	s, p := r.plan(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	s.hooks.step = func(step string) {
		if strings.HasSuffix(step, "a.test.conf") { // the include is written; now break the place of the global file
			must(os.Mkdir(filepath.Join(r.cfg.EtcDir, ourGlobal), 0o755))
		}
	}
	started := r.a.PID()
	_, err := s.Apply(t.Context(), p)
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok || !back.Healthy {
		t.Fatalf("error = %v", err)
	}
	must(os.Remove(filepath.Join(r.cfg.EtcDir, ourGlobal)))
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
	if r.a.PID() != started {
		t.Error("another Apache runs now")
	}
}

// Ctrl-C while the new configuration is being loaded: undone all the same.
func TestInterruptedWhileLoading(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	before := r.snapshot()
	s, p := r.plan(Change{Profile: "intermediate"})
	ctx, stop := contextWithCancel(t)
	s.hooks.step = func(step string) {
		if step == "loaded" {
			stop()
		}
	}
	_, err := s.Apply(ctx, p)
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok || !back.Healthy {
		t.Fatalf("error = %v", err)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}

// A FIFO in an include directory hangs httpd for ever; we give up instead, and
// say which file it was.
func TestFIFOInTheIncludes(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	fifo := filepath.Join(r.cfg.EtcDir, "vhost-x.conf")
	must(syscall.Mkfifo(fifo, 0o644))
	ctx, stop := contextWithTimeout(t)
	defer stop()
	_, err := Discover(ctx, r.cfg)
	if found := asRefused(t, err).Findings; found[0].File != fifo {
		t.Errorf("named %+v", found)
	}
}
