package ingest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlskeeper/logship/store"
)

var quiet = slog.New(slog.DiscardHandler)

func requests(from, n int) string {
	var b strings.Builder
	start := time.Date(2026, 11, 1, 23, 50, 0, 0, time.FixedZone("", 3600))
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "%s,192.0.2.%d,HTTP/1.1,www.example.org,TLSv1.3,TLS_AES_256_GCM_SHA384,\"agent \\\"%d\\\", x\"\n",
			start.Add(time.Duration(i/3)*time.Second).Format("[02/Jan/2006:15:04:05 -0700]"), i%250, i%17)
	}
	return b.String()
}

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// gzipped packs content, as two members, as a file that was compressed in parts is.
func gzipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range []string{content[:len(content)/3], content[len(content)/3:]} {
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "tls.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func importFiles(t testing.TB, s *store.Store, paths ...string) []Result {
	t.Helper()
	results, err := Import(t.Context(), s, Source{}, paths, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func stats(t testing.TB, s *store.Store) store.Stats {
	t.Helper()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestImportedTwiceAndCompressedIsCountedOnce(t *testing.T) {
	s := openStore(t)
	text := requests(0, 3000)
	plain, packed := write(t, "tls.log.1", text), write(t, "tls.log.2.gz", gzipped(t, text))
	short := write(t, "tls.log", text[:strings.LastIndex(text[:100_000], "\n")+1])
	for _, path := range []string{short, plain, packed, plain, short} {
		importFiles(t, s, path)
	}
	if st := stats(t, s); st.Rows != 3000 || st.Pending != 0 {
		t.Errorf("%+v, want 3000 rows and nothing to ship", st)
	}
	got := importFiles(t, s, plain)
	if diff := cmp.Diff([]Result{{Path: plain, Lines: 3000}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAgentAndImportAgree: what the agent has read of a file is not imported
// again, and the file that it follows is not taken from it.
func TestAgentAndImportAgree(t *testing.T) {
	s := openStore(t)
	text := requests(0, 1000)
	path := write(t, "tls.log", text)
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	half := strings.LastIndex(text[:len(text)/2], "\n") + 1
	f := &store.File{Path: path, Dev: uint64(st.Dev), Inode: st.Ino}
	f.SetFingerprint([]byte(text))
	if err := s.Append(t.Context(), f, cutLines(text[:half]), int64(half), true); err != nil {
		t.Fatal(err)
	}
	read := stats(t, s).Rows
	got := importFiles(t, s, path)
	want := []Result{{Path: path, Lines: read, Followed: int64(len(text) - half)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rotated := write(t, "tls.log.1.gz", gzipped(t, text))
	if got := importFiles(t, s, rotated); got[0].New != 1000-read {
		t.Errorf("%+v, want the lines that the agent did not see", got[0])
	}
	if st := stats(t, s); st.Rows != 1000 || st.Pending != read {
		t.Errorf("%+v, want 1000 rows, %d of them to ship", st, read)
	}
}

func cutLines(text string) (list []store.Line) {
	at := int64(0)
	for l := range strings.Lines(text) {
		list = append(list, store.Line{Offset: at, Raw: []byte(strings.TrimSuffix(l, "\n"))})
		at += int64(len(l))
	}
	return list
}

func TestUnfinishedAndDamagedLines(t *testing.T) {
	good := requests(0, 10)
	for _, c := range []struct {
		name, content string
		want          Result
		rows, raw     int64
	}{
		{"half a last line of a plain file waits", good + good[:50], Result{Lines: 10, New: 10, Unfinished: 50}, 10, 0},
		{"half a last line of a packed file stays so", gzipped(t, good+good[:50]), Result{Lines: 11, New: 11}, 10, 1},
		{"a hole", "\x00\x00\x00" + good, Result{Lines: 10, New: 10}, 10, 0},
		{"an overlong line", good + strings.Repeat("x", 3*block) + "\n" + good, Result{Lines: 21, New: 21}, 20, 1},
		{"overlong and unfinished", good + strings.Repeat("x", 2*block), Result{Lines: 10, New: 10, Unfinished: 2 * block}, 10, 0},
		{"overlong and at an end", gzipped(t, good+strings.Repeat("x", 2*block)), Result{Lines: 11, New: 11}, 10, 1},
		{"empty", "", Result{}, 0, 0},
		{"crlf", good + strings.ReplaceAll(good, "\n", "\r\n"), Result{Lines: 20, New: 20}, 10, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t)
			path := write(t, "tls.log", c.content)
			c.want.Path, c.want.Unparsed = path, c.raw
			if diff := cmp.Diff([]Result{c.want}, importFiles(t, s, path)); diff != "" {
				t.Error(diff)
			}
			if st := stats(t, s); st.Rows != c.rows || st.Unparsed != c.raw {
				t.Errorf("%+v, want %d rows and %d unparsed", st, c.rows, c.raw)
			}
		})
	}
}

func TestABadFileDoesNotStopTheOthers(t *testing.T) {
	s := openStore(t)
	packed := gzipped(t, requests(0, 30000))
	torn := write(t, "torn.gz", packed[:len(packed)*2/3])
	good := write(t, "good.log", requests(50000, 10))
	_, err := Import(t.Context(), s, Source{}, []string{filepath.Join(t.TempDir(), "none"), t.TempDir(), torn, good}, quiet)
	if err == nil || strings.Count(err.Error(), "importing ") != 3 {
		t.Errorf("want an error for each of three files: %v", err)
	}
	if _, err := Import(t.Context(), s, Source{}, []string{write(t, "whole.gz", packed)}, quiet); err != nil {
		t.Fatal(err)
	}
	if st := stats(t, s); st.Rows != 30010 {
		t.Errorf("%+v, want 30010 rows after the torn file came whole", st)
	}
}

func BenchmarkImport(b *testing.B) {
	const n = 300_000
	text := requests(0, n)
	path := write(b, "tls.log.gz", gzipped(b, text))
	for b.Loop() {
		s := openStore(b)
		importFiles(b, s, path)
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// The bar of a packed file moves with its bytes on disk, not with its content.
func TestProgressIsInBytesOfTheFile(t *testing.T) {
	s := openStore(t)
	content := gzipped(t, requests(0, 5000))
	path := write(t, "tls.log.gz", content)
	total := 0
	if _, err := Import(t.Context(), s, Source{Read: func(n int) { total += n }}, []string{path}, quiet); err != nil {
		t.Fatal(err)
	}
	if total != len(content) {
		t.Errorf("%d bytes read, want %d", total, len(content))
	}
}
