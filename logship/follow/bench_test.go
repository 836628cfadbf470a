package follow

import (
	"bufio"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlskeeper/internal/regular"
	"tlskeeper/logship/lines"
	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// BenchmarkFollow reads and stores a log of 200,000 lines.
func BenchmarkFollow(b *testing.B) {
	const n = 200_000
	path := filepath.Join(b.TempDir(), "tls.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range n {
		w.WriteString(logshiptest.Line(i%1000) + "\n")
	}
	w.Flush()
	info, _ := f.Stat()
	f.Close()
	b.SetBytes(info.Size())
	for b.Loop() {
		b.StopTimer()
		st, err := store.Open(filepath.Join(b.TempDir(), "tls.db"), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		k := NewSink(st, true, tally.New(time.Now()))
		fl, err := New(b.Context(), path, time.Hour, k, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for fl.Turn(b.Context()) {
		}
		b.StopTimer()
		fl.Close()
		st.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkScanLines is the reader alone.
func BenchmarkScanLines(b *testing.B) {
	path := filepath.Join(b.TempDir(), "tls.log")
	if err := os.WriteFile(path, []byte(logshiptest.Lines(1, 50_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	f, info, err := regular.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.SetBytes(info.Size())
	buf := make([]byte, lines.Chunk)
	for b.Loop() {
		r := lines.NewCutter(f, 0)
		for r.At() < info.Size() {
			_, end, err := r.Next(buf)
			if err != nil {
				b.Fatal(err)
			}
			r.Advance(end)
		}
	}
}
