package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

const nobody = 65534

func TestEABKeyOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	path := filepath.Join(t.TempDir(), "eab")
	if err := errors.Join(os.WriteFile(path, []byte("a2V5\n"), 0o600), os.Chown(path, nobody, -1)); err != nil {
		t.Fatal(err)
	}
	f := config.Fallback{CA: "zerossl", EABKID: "kid", EABHMACFile: path}
	ca, err := certificateAuthority(f)
	if err == nil || ca.EAB != nil || !strings.Contains(err.Error(), "others may change it") || !strings.Contains(hint.Of(err), "chown root "+path) {
		t.Errorf("taken: %+v, %v (hint %q)", ca.EAB, err, hint.Of(err))
	}
	if err := os.Chown(path, 0, 0); err != nil {
		t.Fatal(err)
	}
	if ca, err := certificateAuthority(f); err != nil || ca.EAB.HMAC != "a2V5" {
		t.Errorf("refused: %v", err)
	}
}

// Who is not root works at home, also with a umask of 002; what they own is
// not root's to run.
func TestConfigurationInAHomeDirectory(t *testing.T) {
	testenv.NeedRoot(t)
	home, err := os.MkdirTemp("", "tlskeeper-home-") // below t.TempDir() nobody may not walk
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	program, hook, file := filepath.Join(home, "tlskeeper"), filepath.Join(home, "hook"), filepath.Join(home, "config.toml")
	err = errors.Join(os.WriteFile(program, binary, 0o755), os.WriteFile(hook, []byte("#!/bin/sh\n"), 0o775), os.Chmod(hook, 0o775),
		os.WriteFile(file, []byte("[hooks]\ndeploy = [\""+hook+"\"]\n"), 0o664), os.Chmod(file, 0o664), os.Chmod(home, 0o775))
	for _, path := range []string{home, hook, file} {
		err = errors.Join(err, os.Chown(path, nobody, nobody))
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(uid uint32) (string, int) {
		c := exec.CommandContext(t.Context(), program, "config", "check", "--config", file)
		c.Dir, c.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		said, _ := c.CombinedOutput()
		return string(said), c.ProcessState.ExitCode()
	}
	if said, code := run(nobody); code != 0 {
		t.Errorf("their own: status %d: %s", code, said)
	}
	for _, uid := range []uint32{0, 54321} {
		if said, code := run(uid); code != 2 || !strings.Contains(said, "others may change it: user nobody (65534) owns the directory "+home) {
			t.Errorf("user %d: status %d: %s", uid, code, said)
		}
	}
}
