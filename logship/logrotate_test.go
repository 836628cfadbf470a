package logship

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/internal/child"
	"tlskeeper/internal/testenv"
	"tlskeeper/logship/accesslog"

	"tlskeeper/logship/logshiptest"
)

// snippet is Debian's /etc/logrotate.d/apache2 but for the log, the way of
// reloading, the group, and what differs between the ways to rotate.
const snippet = `%s {
	daily
	missingok
	rotate 14
	%s
	notifempty
	sharedscripts
	postrotate
		%s
	endscript
}
`

// The real logrotate, run again and again beside a real Apache under load, with
// requests that began before a rotation and end after it: requests made, rows
// stored and events shipped agree, whichever way is used.
func TestLogrotateUnderLoad(t *testing.T) {
	testenv.Need(t, "apache2", "logrotate")
	for name, way := range map[string]string{
		"debian":          "compress\n\tdelaycompress\n\tcreate 640",
		"compressed soon": "compress\n\tcreate 640",
		"by date":         "dateext\n\tdateformat -%Y%m%d-%s\n\tcreate 640",
	} {
		t.Run(name, func(t *testing.T) {
			x := newRotation(t, way, true)
			x.oncePerSecond = strings.Contains(way, "%s")
			sent := x.play(6)
			x.agrees(sent)
		})
	}
}

// copytruncate loses for everybody what is written between its copy and its
// cut (logrotate(8) says so), unless the agent was faster. It has each line that
// is left in any file, and none twice.
func TestCopytruncateUnderLoad(t *testing.T) {
	testenv.Need(t, "apache2", "logrotate")
	x := newRotation(t, "compress\n\tdelaycompress\n\tcopytruncate", false)
	sent := x.play(6)
	left := x.inFiles()
	logshiptest.Eventually(t, "the lines that are in files", func() bool {
		kept := x.kept()
		for agent := range left {
			if kept[agent] == 0 {
				return false
			}
		}
		return true
	})
	x.stop()
	for agent, n := range x.kept() {
		if n != 1 {
			t.Errorf("request %s is kept %d times", agent, n)
		}
	}
	t.Logf("%d requests, %d kept, %d in files", sent, len(x.kept()), len(left))
}

// rotation is an Apache, its log, an agent that follows it, and a logrotate.
type rotation struct {
	*shipping
	apache *apachetest.Apache
	conf   string // logrotate's
	stop   func()
	number atomic.Int64 // of requests, each its own user agent

	oncePerSecond bool // or logrotate finds its name taken
}

func newRotation(t *testing.T, way string, reload bool) *rotation {
	t.Helper()
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(t.TempDir(), apachetest.Leaf{Names: []string{"www.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	x := &rotation{shipping: newShipping(t, nil)}
	x.apache = apachetest.Start(t, apachetest.Options{
		VHosts: []apachetest.VHost{{Name: "www.example.org", CertFile: pair.CertFile, KeyFile: pair.KeyFile}},
		Global: fmt.Sprintf("LogFormat '%s' tlskeeper\nGlobalLog %q tlskeeper \"expr=%%{HTTPS} == 'on'\"\n", accesslog.Format, x.path),
	})
	after := "true"
	if reload {
		after = strings.Join(x.apache.Argv("-k", "graceful"), " ")
	}
	x.conf = filepath.Join(t.TempDir(), "logrotate.conf")
	if err := os.WriteFile(x.conf, fmt.Appendf(nil, snippet, x.path, way, after), 0o600); err != nil {
		t.Fatal(err)
	}
	x.stop = x.background()
	return x
}

// request sends one request in two pieces; between is called when the server
// has the first.
func (x *rotation) request(between func()) error {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", x.apache.Addr(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: www.example.org\r\n")
	between()
	fmt.Fprintf(conn, "User-Agent: agent %d\r\nConnection: close\r\n\r\n", x.number.Add(1))
	if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// play rotates times over while clients ask, and returns how many requests
// were made.
func (x *rotation) play(times int) int64 {
	x.t.Helper()
	ctx, done := context.WithCancel(x.t.Context())
	defer done()
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := x.request(func() {}); err != nil {
					x.t.Error(err)
					return
				}
			}
		})
	}
	for n := range times {
		before, second := x.number.Load(), time.Now().Unix()
		logshiptest.Eventually(x.t, "requests", func() bool {
			return x.number.Load() > before+50 && (!x.oncePerSecond || time.Now().Unix() > second)
		})
		x.rotate(n)
	}
	done()
	clients.Wait()
	return x.number.Load()
}

// rotate runs logrotate while some requests are half sent.
func (x *rotation) rotate(n int) {
	x.t.Helper()
	var begun, ended sync.WaitGroup
	rotated := make(chan struct{})
	for range 3 {
		begun.Add(1)
		ended.Go(func() {
			first := sync.OnceFunc(begun.Done)
			defer first()
			if err := x.request(func() { first(); <-rotated }); err != nil {
				x.t.Error(err)
			}
		})
	}
	begun.Wait()
	_, err := child.Run(x.t.Context(), child.Cmd{Timeout: time.Minute, Env: []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin"},
		Argv: []string{"logrotate", "--force", "--state", x.conf + ".state", x.conf}})
	close(rotated)
	if err != nil {
		x.t.Errorf("rotation %d: %v", n, err)
	}
	ended.Wait()
}

// agrees checks that each request is stored once and shipped.
func (x *rotation) agrees(sent int64) {
	x.t.Helper()
	logshiptest.Eventually(x.t, "the lines to be stored and shipped", func() bool {
		st, err := x.store.Stats(x.t.Context())
		return err == nil && st.Rows >= sent && st.Pending == 0
	})
	x.stop()
	kept := x.kept()
	for n := int64(1); n <= sent; n++ {
		if times := kept[strconv.FormatInt(n, 10)]; times != 1 {
			x.t.Errorf("request %d is kept %d times", n, times)
		}
	}
	st, err := x.store.Stats(x.t.Context())
	if n := int64(x.cloud.Accepted()); err != nil || n != sent || st.Rows != sent || int64(len(kept)) != sent {
		x.t.Errorf("%d requests, %d rows, %d events, %v", sent, st.Rows, n, err)
	}
	x.t.Logf("%d requests, stored and shipped", sent)
}

// kept counts, by the number of a request, how often it was stored and shipped.
func (x *rotation) kept() map[string]int {
	x.t.Helper()
	count := map[string]int{}
	for _, ev := range x.cloud.Events(testGroup, testStream) {
		count[logshiptest.Number(ev.Message)]++
	}
	return count
}

// inFiles lists the requests that are in the log or beside it.
func (x *rotation) inFiles() map[string]bool {
	x.t.Helper()
	names, err := filepath.Glob(x.path + "*")
	if err != nil {
		x.t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			x.t.Fatal(err)
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				x.t.Fatal(err)
			}
		}
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if n := logshiptest.Number(strings.TrimLeft(lines.Text(), "\x00")); n != "" {
				found[n] = true
			}
		}
	}
	return found
}
