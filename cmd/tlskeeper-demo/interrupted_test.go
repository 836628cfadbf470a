package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlskeeper/internal/testenv"
)

// asDemo makes the test binary be the demo.
const asDemo = "TLSKEEPER_TEST_AS_DEMO"

func TestMain(m *testing.M) {
	if os.Getenv(asDemo) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start runs the demo with a TMPDIR of its own, so that nothing of another
// demo on this machine can be mistaken for ours.
func start(t *testing.T, tmp string, out io.Writer) *exec.Cmd {
	t.Helper()
	testenv.Need(t, "apache2", "logrotate")
	binary := filepath.Join(t.TempDir(), "tlskeeper")
	if msg, err := exec.Command("make", "-C", "../..", "binary", "OUT="+binary).CombinedOutput(); err != nil {
		t.Fatalf("building tlskeeper: %v\n%s", err, msg)
	}
	cmd := exec.Command(os.Args[0], "-binary", binary)
	cmd.Env = append(os.Environ(), asDemo+"=1", "TMPDIR="+tmp)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd
}

// openTmp is a TMPDIR that Apache's workers can walk through.
func openTmp(t *testing.T) string {
	t.Helper()
	tmp, err := os.MkdirTemp("", "demo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	return tmp
}

func TestCountsAgreeAndNothingIsLeft(t *testing.T) {
	tmp := openTmp(t)
	var out bytes.Buffer
	if err := start(t, tmp, &out).Wait(); err != nil || !strings.Contains(out.String(), "The three counts agree") {
		t.Errorf("%v\n%s", err, out.String())
	}
	nothingLeft(t, tmp)
}

func TestInterruptedAndTerminated(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{
		"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM,
		"closed terminal": syscall.SIGHUP, "Ctrl-backslash": syscall.SIGQUIT,
	} {
		t.Run(name, func(t *testing.T) {
			tmp := openTmp(t)
			cmd := startUntil(t, tmp, "tlskeeper issue")
			cmd.Process.Signal(signal)
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, want 130", code)
			}
			nothingLeft(t, tmp)
		})
	}
}

// `make demo | head` and a pager that is left end the demo, in order.
func TestReaderOfTheOutputLeaves(t *testing.T) {
	tmp := openTmp(t)
	cmd, out := startAndRead(t, tmp, "Visitors come")
	out.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("%v, want exit code 1", cmd.ProcessState)
	}
	nothingLeft(t, tmp)
}

func TestKilledAndClearedByTheNextRun(t *testing.T) {
	tmp := openTmp(t)
	cmd := startUntil(t, tmp, "logrotate")
	cmd.Process.Kill()
	cmd.Wait()
	if left, _ := filepath.Glob(tmp + "/*"); len(left) == 0 || len(processesOf(left[0])) == 0 {
		t.Fatal("a killed demo left nothing: this test no longer shows anything")
	}
	next := startUntil(t, tmp, "Setting up")
	next.Process.Signal(syscall.SIGTERM)
	next.Wait()
	nothingLeft(t, tmp)
}

// startUntil starts a demo and returns when it has printed word.
func startUntil(t *testing.T, tmp, word string) *exec.Cmd {
	t.Helper()
	cmd, out := startAndRead(t, tmp, word)
	go io.Copy(io.Discard, out)
	return cmd
}

// startAndRead returns the reading end of the demo's output, too.
func startAndRead(t *testing.T, tmp, word string) (*exec.Cmd, io.ReadCloser) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := start(t, tmp, w)
	w.Close()
	limit := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer limit.Stop()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.Contains(lines.Text(), word) {
			return cmd, r
		}
	}
	t.Fatalf("the demo ended before it printed %q", word)
	return nil, nil
}

func nothingLeft(t *testing.T, tmp string) {
	t.Helper()
	if left, _ := filepath.Glob(tmp + "/*"); len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
	if pids := processesOf(tmp); len(pids) > 0 {
		t.Errorf("processes left: %v", pids)
	}
}
