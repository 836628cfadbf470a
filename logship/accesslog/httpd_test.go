package accesslog_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/logship/accesslog"
)

// agents are headers as clients send them, with everything that the line's own
// syntax is made of.
var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
	`quotes "one", commas, and a \ backslash`,
	"a tab\tinside",
	"", // the header without a value
	`ends in a backslash \`,
	`","`,
	"UTF-8 é 漢 and a C1 byte \u009b",
	"latin-1 \xe9",
	`\x41 written out`,
	"=cmd|'/c calc'!A1",
	strings.Repeat("long ", 1500),
}

// TestWhatHTTPDWritesComesBack asks a real Apache over TLS with these agents,
// and reads its log: every line parses, gives the same bytes back, and holds the
// agent that was sent.
func TestWhatHTTPDWritesComesBack(t *testing.T) {
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(t.TempDir(), apachetest.Leaf{Names: []string{"www.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "tls.log")
	a := apachetest.Start(t, apachetest.Options{
		VHosts: []apachetest.VHost{{Name: "www.example.org", CertFile: pair.CertFile, KeyFile: pair.KeyFile}},
		Global: fmt.Sprintf("LogFormat '%s' tlskeeper\nGlobalLog %q tlskeeper \"expr=%%{HTTPS} == 'on'\"\n", accesslog.Format, log),
	})
	before := time.Now().Truncate(time.Second)
	for _, agent := range agents {
		get(t, a.Addr(), "User-Agent: "+agent+"\r\n")
	}
	get(t, a.Addr(), "") // no such header at all
	want := append(agents[:len(agents):len(agents)], "-")
	for i, line := range waitLines(t, log, len(want)) {
		e, err := accesslog.Parse([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := string(e.Append(nil)); got != line {
			t.Errorf("got  %s\nwant %s", got, line)
		}
		// httpd takes blanks around a header's value away.
		if got := accesslog.Unescape(e.UserAgent); got != strings.TrimSpace(want[i]) {
			t.Errorf("agent %q, want %q", got, want[i])
		}
		if e.VHost != "www.example.org" || e.Protocol != "TLSv1.2" || e.Cipher != "ECDHE-ECDSA-AES128-GCM-SHA256" || e.HTTP != "HTTP/1.1" || e.Client != "127.0.0.1" {
			t.Errorf("%+v", e)
		}
		if e.Time.Before(before) || e.Time.After(time.Now()) {
			t.Errorf("time %v, asked since %v", e.Time, before)
		}
	}
}

// get makes one request by hand, because net/http sends no hostile header.
func get(t *testing.T, addr, header string) {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, &tls.Config{
		InsecureSkipVerify: true, ServerName: "www.example.org", MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n%s\r\n", header)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || strings.HasPrefix(status, "HTTP/1.1 400") {
		t.Fatalf("%q, %v", status, err)
	}
}

// waitLines waits until n lines are in the log: a line is written when the
// request ends, which the client does not see.
func waitLines(t *testing.T, path string, n int) []string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		data, err := os.ReadFile(path)
		lines := strings.Split(string(data), "\n")
		if err == nil && len(lines) == n+1 && lines[n] == "" {
			return lines[:n]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lines of %d, %v", len(lines)-1, n, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
