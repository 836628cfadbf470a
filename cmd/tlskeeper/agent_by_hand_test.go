package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trial is a host with a log that its stranger may read, and a configuration
// that only root may.
func trial(t *testing.T) (h host, config string) {
	t.Helper()
	h = newHost(t)
	if err := os.Chmod(h.goodLog(), 0o644); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(h.root, "etc/tlskeeper/config.toml")
	if err := os.MkdirAll(filepath.Dir(config), 0o755); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("[acme]\nagree_tos = true\n[agent]\nlogs = [%q]\ndatabase = %q\n", h.goodLog(), filepath.Join(h.log, "tls.db"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h, config
}

// The agent that root types works as another user, in another directory.
func TestTheAgentThatRootTypesReadsRootsConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ args, env []string }{
		"the root":               {[]string{"--root", "./r", "agent", "--once"}, nil},
		"the root, last":         {[]string{"agent", "--once", "--root", "./r"}, nil},
		"the configuration":      {[]string{"--config", "r/etc/tlskeeper/config.toml", "agent", "--once"}, nil},
		"the environment's":      {[]string{"agent", "--once"}, []string{"TLSKEEPER_CONFIG=r/etc/tlskeeper/config.toml"}},
		"the environment's root": {[]string{"agent", "--once"}, []string{"TLSKEEPER_ROOT=r"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := trial(t)
			if name == "the configuration" || name == "the environment's" {
				c.args = append([]string{"--root", h.root}, c.args...)
			}
			cmd := exec.CommandContext(t.Context(), "/proc/self/exe", c.args...)
			cmd.Args[0], cmd.Dir, cmd.Env = "tlskeeper", filepath.Dir(h.root), append(os.Environ(), c.env...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if out, stderr, _ := h.run(t, "query", "SELECT count(*) FROM log", "--format", "csv"); !strings.HasSuffix(strings.TrimSpace(out), "\n1") {
				t.Errorf("the log holds %s (%s), want the one line", out, stderr)
			}
		})
	}
}

func TestTheAgentGetsNothingOfRootsEnvironment(t *testing.T) {
	h, config := trial(t)
	var talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "--root", h.root, "--config", config, "agent")
	cmd.Args[0], cmd.Stdout, cmd.Stderr = "tlskeeper", &talk, &talk
	cmd.Env = append(os.Environ(), "RFC2136_TSIG_SECRET=roots", "AWS_REGION=eu-central-1", "HOME=/root")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := childOf(t, cmd.Process.Pid)
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", child))
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if err != nil {
		t.Fatalf("%v: %s", err, &talk)
	}
	all := "\x00" + string(env)
	for _, unwanted := range []string{"RFC2136_TSIG_SECRET", "=/root\x00"} {
		if strings.Contains(all, unwanted) {
			t.Errorf("it got %s", unwanted)
		}
	}
	for _, wanted := range []string{"\x00AWS_REGION=eu-central-1\x00", "\x00PATH=", "\x00HOME="} {
		if !strings.Contains(all, wanted) {
			t.Errorf("it did not get %q", wanted)
		}
	}
}

// childOf waits until pid has a child that is started as the owner.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			var child int
			fmt.Sscan(string(text), &child)
			if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); bytes.Contains(line, []byte("\x00"+ownerWord+"\x00")) {
				return child
			}
		}
	}
	t.Fatal("no process of the owner's was started")
	return 0
}
