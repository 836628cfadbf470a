package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/store"
)

// The test binary is its own child, whose memory is measured: it reads childFile
// into memory, or into childDB.
const (
	childFile = "INGEST_TEST_FILE"
	childDB   = "INGEST_TEST_DB"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := takeAsChild(path, os.Getenv(childDB)); err != nil {
			fmt.Printf("%v\nhint: %s\n", err, hint.Of(err))
		}
		fmt.Println("peak", peak())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func takeAsChild(path, db string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if db == "" {
		s, err := memory(ctx, []string{path}, testMemory, quiet)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	s, err := store.Open(db, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	results, err := Import(ctx, s, Source{}, []string{path}, quiet)
	for _, r := range results {
		fmt.Println("lines", r.Lines)
	}
	return err
}

// peak is the most memory that this process ever had, in bytes.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		panic(err)
	}
	return kb << 10
}

const (
	testMemory = 2 << 20
	// overhead is what a process takes beside the rows: program, blocks, caches of
	// words, and what SQLite notes for going back on a transaction.
	overhead = 128 << 20
	// raceFactor is what the race detector makes of memory, five to ten times
	// (go.dev/doc/articles/race_detector, Runtime Overhead).
	raceFactor = 10
)

// ceiling is what a child may take.
func ceiling() int64 {
	const most = testMemory + overhead
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return raceFactor * most
	}
	return most
}

// bombs are files of few bytes that hold many.
var bombs = map[string]struct {
	write  func(w io.Writer)
	memory string // what is said of it when it is asked
	db     string // and when it is imported
}{
	"empty lines": {func(w io.Writer) { io.WriteString(w, requests(0, 1)); endless(w, '\n', 8<<20) },
		"lines in a row are not in the format", "lines in a row are not in the format"},
	"one line": {func(w io.Writer) { io.WriteString(w, requests(0, 10)); endless(w, 'a', 64<<20) }, "", "lines 11"},
	"zeros":    {func(w io.Writer) { endless(w, 0, 64<<20) }, "is it another one?", "is it another one?"},
	"long lines of no format": {func(w io.Writer) {
		io.WriteString(w, requests(0, 10))
		for range 70 {
			endless(w, 'a', 1<<20)
			io.WriteString(w, "\n")
		}
	}, "more than 2 MiB", "in a row are not in the format"},
	"long user agents": {func(w io.Writer) { agents(w, 700, 8000) }, "more than 2 MiB", "lines 700"},
	"many clients":     {func(w io.Writer) { words(w, 70_000, "%x", "www") }, "more than 2 MiB", "lines 70000"},
	"many hosts":       {func(w io.Writer) { words(w, 40_000, "192.0.2.1", "%x") }, "more than 2 MiB", "lines 40000"},
}

func endless(w io.Writer, c byte, n int) {
	b := []byte(strings.Repeat(string(rune(c)), 64<<10))
	for ; n > 0; n -= len(b) {
		w.Write(b)
	}
}

func agents(w io.Writer, n, length int) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		fmt.Fprintf(w, "[28/Nov/2026:10:00:%02d +0000],192.0.2.1,HTTP/1.1,www,TLSv1.3,C,\"%016x%s\"\n", i%60, rng.Uint64(), strings.Repeat("x", length-16))
	}
}

func words(w io.Writer, n int, client, host string) {
	rng := rand.New(rand.NewPCG(1, 1))
	word := func(form string) string {
		if strings.Contains(form, "%") {
			return fmt.Sprintf(form, rng.Uint64())
		}
		return form
	}
	for i := range n {
		fmt.Fprintf(w, "[28/Nov/2026:10:00:%02d +0000],%s,HTTP/1.1,%s,TLSv1.3,C,\"x\"\n", i%60, word(client), word(host))
	}
}

// TestBombs: whatever a file holds, the memory for it has a bound, and what is
// said of it can be followed.
func TestBombs(t *testing.T) {
	for name, bomb := range bombs {
		path := packed(t, bomb.write)
		for _, c := range []struct{ way, db, want string }{
			{"asked", "", bomb.memory},
			{"imported", filepath.Join(t.TempDir(), "tls.db"), bomb.db},
		} {
			t.Run(name+" "+c.way, func(t *testing.T) {
				said, most := asChild(t, path, c.db)
				if !strings.Contains(said, c.want) {
					t.Errorf("said %q, want %q", said, c.want)
				}
				if strings.Contains(said, "more than 2 MiB") && !strings.Contains(said, "hint: tlskeeper import --db") {
					t.Errorf("no way out: %q", said)
				}
				t.Logf("%d MiB", most>>20)
				if most > ceiling() {
					t.Errorf("%d MiB of memory, want at most %d", most>>20, ceiling()>>20)
				}
			})
		}
	}
}

func packed(t *testing.T, write func(io.Writer)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bomb.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	w := bufio.NewWriterSize(z, 1<<20)
	write(w)
	if err := errors.Join(w.Flush(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func asChild(t *testing.T, path, db string) (said string, most int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path, childDB+"="+db)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said, number, _ := strings.Cut(string(out), "peak ")
	if most, err = strconv.ParseInt(strings.TrimSpace(number), 10, 64); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return said, most
}

// An interrupt is heard within a line that does not end, and between members of
// a gzip file that hold nothing.
func TestInterruptedInTheMiddleOfABomb(t *testing.T) {
	var nothing strings.Builder
	gzip.NewWriter(&nothing).Close()
	for name, path := range map[string]string{
		"line":    packed(t, func(w io.Writer) { io.WriteString(w, requests(0, 10)); endless(w, 'a', 64<<20) }),
		"members": write(t, "members.gz", gzipped(t, requests(0, 30))+strings.Repeat(nothing.String(), 1<<18)),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			size, rest := int64(0), int64(0)
			if info, err := os.Stat(path); err == nil {
				size = info.Size()
			}
			_, err := Import(ctx, openStore(t), Source{Read: func(n int) {
				if ctx.Err() != nil {
					rest += int64(n)
				}
				cancel()
			}}, []string{path}, quiet)
			if !errors.Is(err, context.Canceled) || rest > size/2 {
				t.Errorf("%v, %d of %d bytes read afterwards", err, rest, size)
			}
		})
	}
}

// A log that changes its format, or is damaged for long, is taken in up to there.
func TestWhatStandsBeforeForeignLinesIsKept(t *testing.T) {
	s := openStore(t)
	path := write(t, "tls.log", requests(0, 10)+strings.Repeat("no line of the log\n", maxForeign+1)+requests(10, 10))
	_, err := Import(t.Context(), s, Source{}, []string{path}, quiet)
	if err == nil || !strings.Contains(err.Error(), "after line 10,") || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if st := stats(t, s); st.Rows != 10 || st.Unparsed > maxForeign {
		t.Errorf("%+v", st)
	}
	short := write(t, "damaged.log", requests(100, 10)+strings.Repeat("damage\n", 1000)+requests(200, 10))
	if got := importFiles(t, s, short); got[0].Unparsed != 1000 || got[0].New != 1020 {
		t.Errorf("%+v", got)
	}
}
