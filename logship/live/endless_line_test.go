package live

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tlskeeper/logship/logshiptest"
)

// A line that never seems to end is shown cut, and costs no memory.
func TestLiveOfAnEndlessLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := strings.Repeat("\u202eabcdef7", 1<<16) // 640 KiB
	f.WriteString(logshiptest.Lines(1, 1))
	for range 64 {
		f.WriteString(chunk)
	}
	f.WriteString("\n" + logshiptest.Lines(2, 2))
	for _, form := range []Form{Columns, Raw, JSON} {
		var out strings.Builder
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := Show(t.Context(), Config{Path: path, Lines: 3, Form: form, Out: &out, Talk: &strings.Builder{}}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("form %d: %d bytes of memory", form, n)
		}
		got := strings.Split(out.String(), "\n")
		if len(got) != 4 || !strings.Contains(got[0], "agent 1") || !strings.Contains(got[1], "... (41877504 more bytes)") || !strings.Contains(got[2], "agent 2") {
			t.Errorf("form %d: %d lines, %.80q", form, len(got), got)
		}
	}
}

// Half a line is shown when the other half is there, unless it is endless.
func TestLiveOfAnEndlessHalfLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.log")
	half := logshiptest.Lines(2, 2)
	os.WriteFile(path, []byte(logshiptest.Lines(1, 1)+half[:30]), 0o600)
	out, _, stop := watch(t, Config{Path: path, Lines: 5, Follow: true})
	logshiptest.Eventually(t, "the first line", func() bool { return strings.Contains(out.String(), "agent 1\n") })
	logshiptest.Append(t, path, half[30:])
	logshiptest.Eventually(t, "the second line", func() bool { return strings.Contains(out.String(), "agent 2\n") })
	stop()
	logshiptest.Append(t, path, strings.Repeat("x", 3<<20))
	out, _, stop = watch(t, Config{Path: path, Lines: 5, Follow: true})
	logshiptest.Eventually(t, "the cut line", func() bool { return strings.Contains(out.String(), "more bytes)\n") })
	logshiptest.Append(t, path, "y\n"+logshiptest.Lines(3, 3))
	logshiptest.Eventually(t, "the third line", func() bool { return strings.Contains(out.String(), "agent 3\n") })
	if n := strings.Count(out.String(), "\n"); n != 5 { // with the rest of the cut one
		t.Errorf("%d lines", n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
