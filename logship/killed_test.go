package logship

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/store/storetest"
)

// The variables that make this test binary an agent of its own.
const (
	childDir      = "LOGSHIP_TEST_DIR"
	childEndpoint = "LOGSHIP_TEST_ENDPOINT"
	childOnce     = "LOGSHIP_TEST_ONCE"
	childNobody   = "LOGSHIP_TEST_NOBODY" // give up root
)

func TestMain(m *testing.M) {
	storetest.Main()
	if dir := os.Getenv(childDir); dir != "" {
		if err := childAgent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func childAgent(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Getenv(childNobody) != "" {
		if err := syscall.Setuid(nobody); err != nil {
			return err
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, err := store.Open(filepath.Join(dir, "db", "tls.db"), store.Options{Log: log})
	if err != nil {
		return err
	}
	defer st.Close()
	cw, err := cloudwatch.New(ctx, cloudwatch.Config{Group: testGroup, Stream: testStream,
		Endpoint: os.Getenv(childEndpoint), Gzip: true, Log: log})
	if err != nil {
		return err
	}
	return Run(ctx, Config{Logs: []string{filepath.Join(dir, "tls.log")}, Store: st, CloudWatch: cw, Log: log,
		Poll: time.Millisecond, Flush: time.Millisecond, Once: os.Getenv(childOnce) != "",
		retryFirst: time.Millisecond, retryMost: 20 * time.Millisecond})
}

// agentProcess starts an agent in a process of its own.
func agentProcess(t *testing.T, dir string, cloud *logshiptest.Server, extra ...string) (*exec.Cmd, *logshiptest.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	said := &logshiptest.Buffer{}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(append(cloud.Env(), childDir+"="+dir, childEndpoint+"="+cloud.URL, "PATH="+os.Getenv("PATH")), extra...)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said
}

// scribe writes numbered lines as Apache does, with rotations between.
type scribe struct {
	dir     string
	n       int
	files   []*os.File // old workers write to the first ones
	archive int
}

func (s *scribe) open() error {
	f, err := os.OpenFile(filepath.Join(s.dir, "tls.log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err == nil {
		s.files = append(s.files, f)
	}
	return err
}

// rotate renames and makes a new file, and lets the last but one worker go.
func (s *scribe) rotate() error {
	s.archive++
	log := filepath.Join(s.dir, "tls.log")
	if err := os.Rename(log, fmt.Sprintf("%s-2026%04d", log, s.archive)); err != nil {
		return err
	}
	if len(s.files) > 1 {
		s.files[0].Close()
		s.files = s.files[1:]
	}
	return s.open()
}

// write adds a line to the newest file, or to that of an old worker. Some are
// written in two halves.
func (s *scribe) write() error {
	s.n++
	text := recent(s.n, s.n)
	f := s.files[rand.IntN(len(s.files))]
	if s.n%7 == 0 {
		half := rand.IntN(len(text))
		if _, err := f.WriteString(text[:half]); err != nil {
			return err
		}
		text = text[half:]
	}
	_, err := f.WriteString(text)
	return err
}

// run writes until stop is closed, and returns how many lines there are.
func (s *scribe) run(stop <-chan struct{}) (int, error) {
	if err := s.open(); err != nil {
		return 0, err
	}
	defer func() {
		for _, f := range s.files {
			f.Close()
		}
	}()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return s.n, nil
		case <-tick.C:
		}
		if err := s.write(); err != nil {
			return s.n, err
		}
		if s.n%25 == 0 {
			if err := s.rotate(); err != nil {
				return s.n, err
			}
		}
	}
}

// An agent that is killed again and again while Apache writes, the log is
// rotated and the service fails now and then: each line is kept once and
// shipped at least once.
func TestKilledAgainAndAgain(t *testing.T) {
	dir, cloud := t.TempDir(), logshiptest.New(t)
	// What is rotated before the very first start is not the agent's.
	if err := os.WriteFile(filepath.Join(dir, "tls.log"), []byte(recent(1, 1)), 0o640); err != nil {
		t.Fatal(err)
	}
	first, said := agentProcess(t, dir, cloud, childOnce+"=1")
	if err := first.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	stop, written := make(chan struct{}), make(chan int, 1)
	var failed atomic.Pointer[error]
	go func() {
		n, err := (&scribe{dir: dir, n: 1}).run(stop)
		if err != nil {
			failed.Store(&err)
		}
		written <- n
	}()
	for round := range 40 {
		before := cloud.Accepted()
		if round%3 == 0 {
			cloud.Inject(logshiptest.Reset().ButAccepted(), logshiptest.Throttled())
		}
		cmd, said := agentProcess(t, dir, cloud)
		logshiptest.Eventually(t, "the agent to ship", func() bool { return cloud.Accepted() > before+20+rand.IntN(40) })
		cmd.Process.Kill()
		cmd.Wait()
		if strings.Contains(said.String(), "panic") {
			t.Fatal(said)
		}
	}
	close(stop)
	total := <-written
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
	cmd, said := agentProcess(t, dir, cloud, childOnce+"=1")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	checkKept(t, dir, total)
	checkShipped(t, cloud, total)
}

// checkKept counts the rows of each line.
func checkKept(t *testing.T, dir string, total int) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(dir, "db", "tls.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT user_agent, count(*) FROM log GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	kept := 0
	for rows.Next() {
		var agent string
		var n int
		if err := rows.Scan(&agent, &n); err != nil {
			t.Fatal(err)
		}
		if n != 1 {
			t.Errorf("%s is kept %d times", agent, n)
		}
		kept++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if kept != total {
		t.Errorf("%d of %d lines are kept", kept, total)
	}
}

func checkShipped(t *testing.T, cloud *logshiptest.Server, total int) {
	t.Helper()
	seen := map[string]bool{}
	for _, ev := range cloud.Events(testGroup, testStream) {
		seen[logshiptest.Number(ev.Message)] = true
	}
	for n := 1; n <= total; n++ {
		if !seen[fmt.Sprint(n)] {
			t.Errorf("line %d was not shipped", n)
		}
	}
	t.Logf("%d lines, %d events", total, cloud.Accepted())
	if len(seen) != total {
		t.Errorf("%d different lines were shipped, want %d", len(seen), total)
	}
}

// A stop by systemd ends the agent in order.
func TestTerminated(t *testing.T) {
	dir, cloud := t.TempDir(), logshiptest.New(t)
	if err := os.WriteFile(filepath.Join(dir, "tls.log"), []byte(recent(1, 9)), 0o640); err != nil {
		t.Fatal(err)
	}
	cmd, said := agentProcess(t, dir, cloud)
	logshiptest.Eventually(t, "the agent to ship", func() bool { return cloud.Accepted() == 9 })
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// Six times the log takes the same memory.
func TestMemoryIsBounded(t *testing.T) {
	small, large := residentFor(t, 30_000), residentFor(t, 180_000)
	t.Logf("%d MiB for 30,000 lines, %d MiB for 180,000", small>>10, large>>10)
	if large > small+48<<10 {
		t.Errorf("%d KiB resident after 30,000 lines, %d KiB after 180,000", small, large)
	}
}

// residentFor is the most memory, in KiB, that an agent took for n lines.
func residentFor(t *testing.T, n int) int64 {
	t.Helper()
	dir, cloud := t.TempDir(), logshiptest.New(t)
	f, err := os.Create(filepath.Join(dir, "tls.log"))
	if err != nil {
		t.Fatal(err)
	}
	w, now := bufio.NewWriter(f), time.Now()
	for i := range n {
		w.WriteString(logshiptest.LinesAt(now, i%1000, i%1000))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	cmd, said := agentProcess(t, dir, cloud, childOnce+"=1")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if got := cloud.Accepted(); got != n {
		t.Errorf("%d of %d lines shipped", got, n)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
}
