package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tlskeeper/apacheconf/probe"

	"tlskeeper/templates"
)

func TestScanProfilesCanBeChecked(t *testing.T) {
	for _, name := range templates.ProfileNames() {
		if _, err := scanProfile(name); err != nil {
			t.Errorf("profile %s: %v", name, err)
		}
	}
}

// httptest's certificate is for example.com.
func TestScanOfALiveServer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a scan hangs up on most handshakes
	server.StartTLS()
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "https://")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o644); err != nil {
		t.Fatal(err)
	}

	code, out, _ := runScan(t, "scan", addr, "--sni", "example.com", "--ca", ca, "--profile", "intermediate", "--json")
	if code != exitFindings {
		t.Errorf("exit code %d, want %d", code, exitFindings)
	}
	var answer struct {
		Versions []probe.Version
		Grade    probe.Grade
		Findings []probe.Finding
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if answer.Grade.Letter != "B" || len(answer.Versions) != 5 {
		t.Errorf("grade %+v, %d versions", answer.Grade, len(answer.Versions))
	}
	if len(answer.Findings) == 0 || answer.Findings[0].ID != "version" {
		t.Errorf("findings %+v", answer.Findings)
	}

	code, out, _ = runScan(t, "scan", addr, "--sni", "example.com", "--ca", ca)
	if code != exitOK || !strings.Contains(out, "grade") || !strings.Contains(out, "B: TLS 1.0 is supported") {
		t.Errorf("exit code %d, output:\n%s", code, out)
	}
}

// The server answers so many connections and then hangs up on all, as behind a
// firewall that counts them.
func TestScanOfAServerThatStopsAnswering(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	var n atomic.Int64
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew && n.Add(1) > 16 {
			c.Close()
		}
	}
	server.StartTLS()
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "https://")

	code, out, errs := runScan(t, "scan", addr, "--sni", "example.com", "--profile", "intermediate", "--json")
	if code != exitFailed || !strings.Contains(errs, "no grade") || !strings.Contains(errs, "tlskeeper scan "+addr+" --slow") {
		t.Errorf("exit code %d, stderr %s", code, errs)
	}
	var answer struct {
		Grade    probe.Grade
		Unknown  []probe.Unknown
		Next     string
		Findings []probe.Finding
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if answer.Grade.Letter != "unknown" || len(answer.Unknown) == 0 || answer.Next == "" {
		t.Errorf("%+v", answer)
	}
	if !slices.ContainsFunc(answer.Findings, func(f probe.Finding) bool { return f.ID == "incomplete" }) {
		t.Errorf("findings %+v", answer.Findings)
	}

	n.Store(0)
	code, out, errs = runScan(t, "scan", addr, "--sni", "example.com")
	if code != exitFailed || !strings.Contains(out, "grade        none") || !strings.Contains(out, "not known") || !strings.Contains(errs, "hint: ask slowly") {
		t.Errorf("exit code %d, output:\n%s%s", code, out, errs)
	}
}

func runScan(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	code = a.run(t.Context(), append([]string{"tlskeeper"}, args...))
	return code, out.String(), errs.String()
}
