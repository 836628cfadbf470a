package apacheconf

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// onlyCapabilities limits the process to the capabilities it names, as
// CapabilityBoundingSet= and containers limit root.
const onlyCapabilities = "APACHECONF_TEST_CAPABILITIES"

// exitMayNotDrop: a container took CAP_SETPCAP from root.
const exitMayNotDrop = 77

var capabilities = map[string]uintptr{
	"CAP_DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "CAP_DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH, "CAP_CHOWN": unix.CAP_CHOWN,
	"CAP_FOWNER": unix.CAP_FOWNER, "CAP_SETUID": unix.CAP_SETUID, "CAP_SETGID": unix.CAP_SETGID, "CAP_KILL": unix.CAP_KILL,
	"CAP_NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "CAP_SYS_PTRACE": unix.CAP_SYS_PTRACE,
}

func dropCapabilities() {
	words := os.Getenv(onlyCapabilities)
	if words == "" {
		return
	}
	runtime.LockOSThread() // the bounding set is a thread's, and exec goes by this one's
	var kept []uintptr
	for _, word := range strings.Fields(words) {
		kept = append(kept, capabilities[word])
	}
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		if slices.Contains(kept, c) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EPERM) {
			os.Exit(exitMayNotDrop)
		}
		if !errors.Is(err, unix.EINVAL) { // a kernel older than c
			must(err)
		}
	}
	must(os.Unsetenv(onlyCapabilities))
	must(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// The renewal's unit has few capabilities. Root that may not see what Apache's
// processes have open (without CAP_SYS_PTRACE) takes it for somebody else on its
// port, or waits for a sign that cannot be seen, if it does not know better.
func TestApplyWithTheCapabilitiesOfTheUnit(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root has capabilities to lose")
	}
	unit, err := os.ReadFile("../systemd/tlskeeper-renew.service")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindSubmatch(unit)
	if line == nil {
		t.Fatal("the unit has no CapabilityBoundingSet")
	}
	words := string(line[1])
	for _, word := range strings.Fields(words) {
		if _, known := capabilities[word]; !known {
			t.Errorf("%s is missing in this test", word)
		}
	}
	for name, words := range map[string]string{"as it is": words, "no look into processes": strings.ReplaceAll(words, "CAP_SYS_PTRACE", "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "")
			dir, leaf := r.generation()
			change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
			cfg, err := json.Marshal(r.cfg)
			changeText, err2 := json.Marshal(change)
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), onlyCapabilities+"="+words, killedConfig+"="+string(cfg), killedChange+"="+string(changeText), killedStep+"=0")
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() == exitMayNotDrop {
				t.Skip("capabilities cannot be dropped here")
			}
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			r.serves("a.test", leaf)
		})
	}
}
