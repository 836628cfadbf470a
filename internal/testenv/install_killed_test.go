package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// installer runs install.sh with a policy-rc.d of the test's own, and an
// apt-get that waits: the real one would change the host.
type installer struct {
	guard string
	env   []string
	began string // made by apt-get
}

func newInstaller(t *testing.T) installer {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("install.sh installs as root only")
	}
	dir := t.TempDir()
	i := installer{guard: filepath.Join(dir, "policy-rc.d"), began: filepath.Join(dir, "began")}
	apt := "#!/bin/sh\ncase $* in *install*) : >" + i.began + "; exec sleep 60 ;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(apt), 0o755); err != nil {
		t.Fatal(err)
	}
	i.env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "POLICY_RC_D="+i.guard)
	return i
}

// begin starts an installation and returns when apt-get is at work.
func (i installer) begin(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("./install.sh", "no-such-program")
	cmd.Env, cmd.SysProcAttr = i.env, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(i.began); err == nil {
			return cmd
		}
		if time.Now().After(deadline) {
			t.Fatal("apt-get was not run")
		}
	}
}

// end starts an installation and ends it, and its children, by the signal
// when it is at work.
func (i installer) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	cmd := i.begin(t)
	if info, err := os.Stat(i.guard); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("nothing holds services back: %v, %v", info, err)
	}
	syscall.Kill(-cmd.Process.Pid, signal)
	cmd.Wait()
	os.Remove(i.began)
}

// nothingMissing runs install.sh for what is there already.
func (i installer) nothingMissing(t *testing.T) {
	t.Helper()
	cmd := exec.Command("./install.sh", "sh")
	cmd.Env = i.env
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// The file that holds services back would keep them from starting for ever.
func TestInstallationEndedBySignal(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{
		"closed terminal": syscall.SIGHUP, "Ctrl-C": syscall.SIGINT, "Ctrl-backslash": syscall.SIGQUIT, "SIGTERM": syscall.SIGTERM,
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstaller(t)
			i.end(t, signal)
			if _, err := os.Lstat(i.guard); err == nil {
				t.Error("policy-rc.d is left")
			}
		})
	}
}

func TestInstallationKilledAndClearedByTheNextRun(t *testing.T) {
	i := newInstaller(t)
	i.end(t, syscall.SIGKILL)
	if _, err := os.Lstat(i.guard); err != nil {
		t.Fatal("a killed installation left nothing: this test no longer shows anything")
	}
	i.end(t, syscall.SIGTERM)
	if _, err := os.Lstat(i.guard); err == nil {
		t.Error("policy-rc.d is left by the next installation")
	}
	i.end(t, syscall.SIGKILL)
	i.nothingMissing(t)
	if _, err := os.Lstat(i.guard); err == nil {
		t.Error("policy-rc.d is left where nothing was missing")
	}
}

func TestPolicyOfTheAdministratorStays(t *testing.T) {
	i := newInstaller(t)
	const own = "#!/bin/sh\nexit 101\n"
	if err := os.WriteFile(i.guard, []byte(own), 0o755); err != nil {
		t.Fatal(err)
	}
	i.nothingMissing(t)
	i.end(t, syscall.SIGTERM)
	if text, _ := os.ReadFile(i.guard); string(text) != own {
		t.Errorf("it became %q", strings.TrimSpace(string(text)))
	}
}

// An installation that is at work is not to lose its guard to another run.
func TestTwoInstallationsAtOnce(t *testing.T) {
	i := newInstaller(t)
	first := i.begin(t)
	i.nothingMissing(t)
	if _, err := os.Lstat(i.guard); err != nil {
		t.Error("policy-rc.d is gone while apt is at work")
	}
	syscall.Kill(-first.Process.Pid, syscall.SIGTERM)
	first.Wait()
}
