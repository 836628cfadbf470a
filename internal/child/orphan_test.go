package child

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// killedCaller is where the process that is to be killed leaves the number of
// the program that it runs.
const killedCaller = "CHILD_TEST_PID_FILE"

func TestMain(m *testing.M) {
	path := os.Getenv(killedCaller)
	if path == "" {
		os.Exit(m.Run())
	}
	Run(context.Background(), Cmd{Argv: []string{"sh", "-c", `echo $$ >"$0"; exec sleep 300`, path}, Timeout: 10 * time.Minute})
	os.Exit(3)
}

// A SIGKILL leaves us no time to end anything: the kernel does.
func TestProgramEndsWithAKilledCaller(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedCaller+"="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := readPID(t, path)
	cmd.Process.Kill()
	cmd.Wait()
	waitGone(t, pid)
}

func readPID(t *testing.T, path string) int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(path)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
	}
	t.Fatal("the program was not started")
	return 0
}

// The kernel counts the end of the thread that started a program as the end of
// its parent. Threads come and go in a Go process; that one has to stay.
func TestProgramOutlivesOtherThreads(t *testing.T) {
	dir := t.TempDir()
	fifo, began := filepath.Join(dir, "go"), filepath.Join(dir, "began")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	hold, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// With more threads at work than there are processors, starting a program
	// takes long enough for its goroutine to go on in another thread.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4 * runtime.NumCPU()))
	var busy atomic.Bool
	busy.Store(true)
	for range 8 * runtime.NumCPU() {
		go func() {
			for busy.Load() {
			}
		}()
	}
	const programs = 40
	var wait sync.WaitGroup
	failed := make(chan error, programs)
	for range programs {
		wait.Go(func() {
			_, err := run(t, Cmd{Argv: []string{"sh", "-c", `echo >>"$1"; read x <"$0"`, fifo, began}, Timeout: time.Minute})
			failed <- err
		})
	}
	waitForSize(t, began, programs)
	for range 200 {
		done := make(chan bool)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			close(done)
		}()
		<-done
	}
	busy.Store(false)
	if _, err := hold.WriteString(strings.Repeat("x\n", programs)); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	hold.Close()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
}

func waitForSize(t *testing.T, path string, size int64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() >= size {
			return
		}
	}
	t.Error("not all programs were started")
}
