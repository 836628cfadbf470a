package probe

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/hint"
)

// What people do wrong with the address must end in an error that tells them,
// and in a hint what to do.
func TestErrorsOfAFirstContact(t *testing.T) {
	greeting := func(text string) func(net.Conn) {
		return func(conn net.Conn) { conn.Write([]byte(text)); readRecord(conn) }
	}
	closed := listen(t, silent)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Addr = l.Addr().String()
	l.Close()
	for name, c := range map[string]struct {
		target     Target
		want, next string
	}{
		"HTTP":        {listen(t, answers([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))), "plain HTTP", ":443"},
		"HTTP/0.9":    {listen(t, answers([]byte("<!DOCTYPE html>"))), "plain HTTP", ":443"},
		"SSH":         {listen(t, greeting("SSH-2.0-OpenSSH_9.2\r\n")), "speaks SSH", "right port"},
		"SMTP":        {listen(t, greeting("220 mail.example.test ESMTP\r\n")), "SMTP", "STARTTLS"},
		"IMAP":        {listen(t, greeting("* OK IMAP4rev1\r\n")), "IMAP", "STARTTLS"},
		"something":   {listen(t, greeting("\x00\x01\x02\x03\x04\x05")), "it begins with 00 01 02 03 04", "right port"},
		"closed port": {closed, "connection refused", "ss -ltn"},
		"no name":     {Target{Addr: "nosuch.invalid:443", SNI: "nosuch.invalid"}, "nosuch.invalid", "--sni nosuch.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Scan(t.Context(), c.target)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "scanning "+c.target.Addr) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if !strings.Contains(hint.Of(err), c.next) {
				t.Errorf("hint %q, want %q in it", hint.Of(err), c.next)
			}
		})
	}
}

func TestPlainHTTPOn443(t *testing.T) {
	err := &notTLSError{[]byte("HTTP/")}
	if got := err.hint("www.example.test", "443"); !strings.Contains(got, "SSLEngine on") {
		t.Error(got)
	}
}

// The connection is taken and nothing is ever said.
func TestContactWithASilentServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Scan(ctx, listen(t, silent))
	if !strings.Contains(hint.Of(err), "firewall") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

func TestTargetsOfTheCommandLine(t *testing.T) {
	for where, want := range map[string]Target{
		"www.example.org":           {Addr: "www.example.org:443", SNI: "www.example.org", HTTPAddr: "www.example.org:80"},
		"www.example.org:8443":      {Addr: "www.example.org:8443", SNI: "www.example.org"},
		"https://www.example.org/a": {Addr: "www.example.org:443", SNI: "www.example.org", HTTPAddr: "www.example.org:80"},
		"192.0.2.1":                 {Addr: "192.0.2.1:443", HTTPAddr: "192.0.2.1:80"},
		"::1":                       {Addr: "[::1]:443", HTTPAddr: "[::1]:80"},
		"[2001:db8::1]":             {Addr: "[2001:db8::1]:443", HTTPAddr: "[2001:db8::1]:80"},
		"[2001:db8::1]:8443":        {Addr: "[2001:db8::1]:8443"},
	} {
		if got, err := NewTarget(where, ""); err != nil || got != want {
			t.Errorf("%s is %+v, %v", where, got, err)
		}
	}
	for _, where := range []string{"", ":443", "a:b:c", "a:0", "a:70000", "a:nosuch", "http://a/", "a b", "a/b", "-:", "[::1"} {
		if got, err := NewTarget(where, ""); err == nil {
			t.Errorf("%q is %+v", where, got)
		}
	}
	target, err := Target{Addr: "[::1]:8443"}.WithHTTPPort("8080")
	if err != nil || target.HTTPAddr != "[::1]:8080" {
		t.Errorf("%+v, %v", target, err)
	}
	if _, err := target.WithHTTPPort("0"); err == nil {
		t.Error("port 0 is taken")
	}
}
