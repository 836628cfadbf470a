package logshiptest

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Line is request n as it stands in the log, written at second n of a day.
func Line(n int) string {
	return lineAt(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(n)*time.Second), n)
}

// lineAt is request n, begun at a time.
func lineAt(at time.Time, n int) string {
	return at.Format("[02/Jan/2006:15:04:05 -0700]") +
		fmt.Sprintf(`,192.0.2.7,HTTP/1.1,www.example.org,TLSv1.3,TLS_AES_256_GCM_SHA384,"agent %d"`, n)
}

// Lines are the requests from, from+1, ... to.
func Lines(from, to int) string {
	return join(from, to, Line)
}

// LinesAt are Lines that all began at one time.
func LinesAt(at time.Time, from, to int) string {
	return join(from, to, func(n int) string { return lineAt(at, n) })
}

func join(from, to int, line func(n int) string) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		b.WriteString(line(n) + "\n")
	}
	return b.String()
}

var number = regexp.MustCompile(`"agent (\d+)"$`)

// Number is that of a line that Line made, and else the line.
func Number(line string) string {
	if m := number.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return line
}

// Buffer takes what several goroutines write.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Eventually waits for a condition.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// Append writes text to the end of the file at path, which is made if it is not there.
func Append(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
