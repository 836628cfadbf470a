package renewal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/store"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

const nobody = 65534

// scriptOf writes a program that leaves a file behind when it ran.
func scriptOf(t *testing.T, uid int) (program, ran string) {
	t.Helper()
	dir := t.TempDir()
	program, ran = filepath.Join(dir, "hook"), filepath.Join(dir, "ran")
	if err := errors.Join(os.WriteFile(program, []byte("#!/bin/sh\necho >>"+ran+"\n"), 0o755), os.Chown(program, uid, -1)); err != nil {
		t.Fatal(err)
	}
	return program, ran
}

func didRun(ran string) bool {
	_, err := os.Stat(ran)
	return err == nil
}

// A hook that a user owns would make that user root at the next renewal.
func TestHookOfAnotherUserIsNotRun(t *testing.T) {
	testenv.NeedRoot(t)
	for name, argv := range map[string]func(hook string) []string{
		"as a program":       func(hook string) []string { return []string{hook} },
		"as a shell's":       func(hook string) []string { return []string{"/bin/sh", "-e", hook, "an argument"} },
		"in a new directory": func(hook string) []string { return []string{"/usr/bin/env", "A=b", hook} },
	} {
		for which, set := range map[string]func(*Hooks, []string){
			"pre":    func(h *Hooks, argv []string) { h.Pre = argv },
			"deploy": func(h *Hooks, argv []string) { h.Deploy = argv },
			"post":   func(h *Hooks, argv []string) { h.Post = argv },
		} {
			t.Run(name+" "+which, func(t *testing.T) {
				hook, ran := scriptOf(t, nobody)
				var hooks Hooks
				set(&hooks, argv(hook))
				err := errors.Join(hooks.pre(t.Context(), nil), hooks.deploy(t.Context(), store.Generation{}), hooks.post(t.Context(), nil))
				if err == nil || didRun(ran) || !strings.Contains(err.Error(), which+" hook") || !strings.Contains(hint.Of(err), "chown root "+hook) {
					t.Errorf("ran: %v; %v (hint %q)", didRun(ran), err, hint.Of(err))
				}
			})
		}
	}
}

// A refused hook is a failed one: the certificate stays and the next run tries
// again, without another order.
func TestRefusedDeployHookIsAFailedOne(t *testing.T) {
	testenv.NeedRoot(t)
	var serve error
	h := offline(t, &serve)
	hook, ran := scriptOf(t, nobody)
	h.cfg.Hooks.Deploy = []string{hook}
	var undeployed *NotDeployedError
	if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.As(err, &undeployed) || didRun(ran) {
		t.Fatalf("ran: %v; %v", didRun(ran), err)
	}
	if err := os.Chown(hook, 0, 0); err != nil {
		t.Fatal(err)
	}
	h.run(Options{})
	if !didRun(ran) || h.ca.Issued() != 1 {
		t.Errorf("ran: %v, %d certificates", didRun(ran), h.ca.Issued())
	}
}

// Apache reads as root what a generation's path names: a store that another
// user could exchange is not worked with, also where nothing is due.
func TestStoreOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	var serve error
	h := offline(t, &serve)
	h.run(Options{})
	if err := os.Chown(h.cfg.Dir, nobody, -1); err != nil {
		t.Fatal(err)
	}
	_, err := Run(h.ctx(), h.cfg, Options{})
	if err == nil || !strings.Contains(err.Error(), "others may change it") || !strings.Contains(hint.Of(err), h.cfg.Dir) {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
}
