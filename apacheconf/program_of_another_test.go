package apacheconf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

const stranger = 65534

// given writes a program that leaves a trace when it runs, and gives it away.
func (r *rig) given(name string) (program, ran string) {
	r.t.Helper()
	testenv.NeedRoot(r.t)
	program, ran = filepath.Join(r.dir, name), filepath.Join(r.dir, name+".ran")
	if err := errors.Join(os.WriteFile(program, []byte("#!/bin/sh\necho >>"+ran+"\n"), 0o755), os.Chown(program, stranger, -1)); err != nil {
		r.t.Fatal(err)
	}
	return program, ran
}

func TestBinaryOfAnotherUserIsNotRun(t *testing.T) {
	r := makeRig(t, "")
	var ran string
	r.cfg.Binary, ran = r.given("httpd")
	_, err := Discover(t.Context(), r.cfg)
	if err == nil || !strings.Contains(err.Error(), "others may change it") || !strings.Contains(hint.Of(err), r.cfg.Binary) || httpd.Exists(ran) {
		t.Errorf("ran: %v; %v (hint %q)", httpd.Exists(ran), err, hint.Of(err))
	}
}

// Whoever may change start_command waits for an Apache that died: so nothing
// is begun that could need it.
func TestStartCommandOfAnotherUserIsNotRun(t *testing.T) {
	r := newRig(t, "")
	program, ran := r.given("start")
	r.cfg.StartCommand = []string{program}
	before := r.snapshot()
	s, p := r.plan(Change{Profile: "intermediate"})
	_, err := s.Apply(t.Context(), p)
	if refused, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(refused.Why, program) || !strings.Contains(hint.Of(err), program) {
		t.Errorf("applied: %v (hint %q)", err, hint.Of(err))
	}
	r.unchanged(before)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // it is tried again and again
	defer cancel()
	if err := s.Start(ctx); err == nil || httpd.Exists(ran) || !strings.Contains(err.Error(), "others may change it") {
		t.Errorf("ran: %v; %v", httpd.Exists(ran), err)
	}
}

// A rollback writes what our records hold into Apache's files.
func TestRecordsOfAnotherUserAreNotBelieved(t *testing.T) {
	r := newRig(t, "")
	testenv.NeedRoot(t)
	if _, err := r.try(Change{Profile: "intermediate"}); err != nil {
		t.Fatal(err)
	}
	before := r.snapshot()
	if err := os.Chown(r.cfg.StateDir, stranger, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err == nil || !strings.Contains(err.Error(), "others may change it") {
		t.Errorf("rolled back: %v", err)
	}
	r.unchanged(before)
}
