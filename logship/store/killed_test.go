package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/logship/store/storetest"
)

// The test binary is its own child: with childDB set it follows childLog into
// the database, from where the database says, until it is killed.
const (
	childDB  = "TLSKEEPER_TEST_DB"
	childLog = "TLSKEEPER_TEST_LOG"
)

func TestMain(m *testing.M) {
	storetest.Main()
	if path := os.Getenv(childDB); path != "" {
		if err := followInto(path, os.Getenv(childLog)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(childRead); path != "" {
		if err := readAsChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if spec := os.Getenv(childOpen); spec != "" {
		if err := openInStep(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// followInto appends the log in chunks and ships part of each, a line on stdout
// after every commit.
func followInto(db, log string) error {
	s, err := Open(db, Options{})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	ctx := context.Background()
	f := &File{Path: log, Dev: 1, Inode: 7}
	f.SetFingerprint(text)
	files, err := s.Files(ctx)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		f = &files[0]
	}
	for f.Offset < int64(len(text)) {
		lines, _ := content(string(text[f.Offset:]))
		lines = lines[:min(len(lines), 700)]
		last := lines[len(lines)-1]
		end := f.Offset + last.Offset + int64(len(last.Raw)) + 1
		for i := range lines {
			lines[i].Offset += f.Offset
		}
		if err := s.Append(ctx, f, lines, end, true); err != nil {
			return err
		}
		events, err := s.Pending(ctx, 0, 300)
		if err != nil {
			return err
		}
		var ids []int64
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		if err := s.MarkShipped(ctx, ids, nil); err != nil {
			return err
		}
		fmt.Println(f.Offset)
	}
	return s.Close()
}

// TestKilledAtAnyInstantEachLineIsKeptOnce kills a writing child with SIGKILL,
// again and again, each time at another moment, until one gets to the end.
func TestKilledAtAnyInstantEachLineIsKeptOnce(t *testing.T) {
	dir := t.TempDir()
	const n = 30_000
	text := requests(n)
	log, db := filepath.Join(dir, "tls.log"), filepath.Join(dir, "tls.db")
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	kills := 0
	for done := false; !done; {
		done = runAndKill(t, db, log, 1+rng.IntN(4), time.Duration(rng.IntN(3000))*time.Microsecond)
		if !done {
			kills++
		}
	}
	t.Logf("killed %d times", kills)
	if kills < 5 {
		t.Errorf("only %d kills: the log is too short for this machine", kills)
	}
	s, err := Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st, err := s.Stats(t.Context())
	if err != nil || st.Rows != n || st.Shipped+st.Pending != n {
		t.Errorf("after %d kills: %+v, %v; want %d rows, shipped or pending", kills, st, err, n)
	}
	if ids := count(t, s, "SELECT count(DISTINCT id) FROM request"); ids != n {
		t.Errorf("%d ids for %d rows", ids, n)
	}
	checkRollups(t, s)
}

// runAndKill kills the child a moment after its commits-th commit. It reports
// whether the child came to its end instead.
func runAndKill(t *testing.T, db, log string, commits int, moment time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childDB+"="+db, childLog+"="+log)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range commits {
		if !lines.Scan() {
			if err := cmd.Wait(); err != nil {
				t.Fatalf("the child failed: %v\n%s", err, stderr.String())
			}
			return true
		}
	}
	kill := time.AfterFunc(moment, cancel) // the moment within its next transaction
	defer kill.Stop()
	for lines.Scan() {
	}
	return cmd.Wait() == nil
}
