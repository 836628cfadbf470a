package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/hint"
)

// answers sends fixed bytes to every ClientHello and hangs up.
func answers(b []byte) func(net.Conn) {
	return func(conn net.Conn) {
		readRecord(conn)
		conn.Write(b)
	}
}

func TestScanOfWhatIsNotTLS(t *testing.T) {
	noise := make([]byte, 4096)
	rand.Read(noise)
	noise[0] = 0x99
	for name, handle := range map[string]func(net.Conn){
		"plain HTTP":         answers([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"SSH":                func(conn net.Conn) { conn.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n")); readRecord(conn) },
		"random bytes":       answers(noise),
		"giant record":       answers([]byte{22, 3, 3, 0xff, 0xff, 2}),
		"application data":   answers([]byte{23, 3, 3, 0, 1, 0}),
		"ServerHello cut":    answers([]byte{22, 3, 3, 0, 8, 2, 0, 0, 4, 3, 3, 0, 0}),
		"another message":    answers([]byte{22, 3, 3, 0, 4, 14, 0, 0, 0}),
		"alert of three":     answers([]byte{21, 3, 3, 0, 3, 2, 40, 0}),
		"endless empty ones": answers(bytes.Repeat([]byte{22, 3, 3, 0, 0}, maxRecords+1)),
		"message of 16 MB":   func(conn net.Conn) { readRecord(conn); flood(conn, []byte{2, 0xff, 0xff, 0xff}) },
		"endless warnings":   answers(bytes.Repeat([]byte{21, 3, 3, 0, 2, 1, 112}, maxRecords+1)),
		"endless CCS":        answers(bytes.Repeat([]byte{20, 3, 3, 0, 1, 1}, maxRecords+1)),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Scan(t.Context(), listen(t, handle))
			if !errors.Is(err, errMalformed) {
				t.Errorf("error %v, report %+v", err, r)
			}
		})
	}
}

// flood sends handshake records for ever, beginning with head.
func flood(conn net.Conn, head []byte) {
	payload := append(head, make([]byte, 16384-len(head))...)
	for {
		if _, err := conn.Write(append([]byte{22, 3, 3, 0x40, 0}, payload...)); err != nil {
			return
		}
	}
}

func TestScanOfAServerThatAlwaysDeclines(t *testing.T) {
	r := scan(t, listen(t, answers([]byte{21, 3, 3, 0, 2, 2, 40})))
	if len(supported(r)) > 0 || r.Grade.Letter != "T" || r.GradeTrusted.Letter != "F" || r.Incomplete {
		t.Errorf("versions %v, grades %+v %+v, unknown %v", supported(r), r.Grade, r.GradeTrusted, r.Unknown)
	}
}

// To hang up on everything is no answer: the port may speak something else, or
// a firewall is in between.
func TestScanOfAServerThatOnlyHangsUp(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){
		"closed": func(conn net.Conn) { readRecord(conn) },
		"reset":  reset,
	} {
		r, err := Scan(t.Context(), listen(t, handle))
		if err == nil || hint.Of(err) == "" {
			t.Errorf("%s: error %v, hint %q, report %+v", name, err, hint.Of(err), r)
		}
	}
}

// A server that answers every hello with the same suite would keep a scan
// that believes it busy for ever.
func TestScanOfAServerThatPicksWhatWasNotOffered(t *testing.T) {
	hello := append([]byte{3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0xc0, 0x2f, 0)
	message := append([]byte{2}, vec(3, hello)...)
	r := scan(t, listen(t, answers(append([]byte{22, 3, 3}, vec(2, message)...))))
	if got := supported(r); !slices.Equal(got, []string{"TLSv1.2"}) {
		t.Errorf("versions %v", got)
	}
	if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "was not offered") }) {
		t.Errorf("notes %q", r.Notes)
	}
}

// The server falls silent after its first answer, as one does that a firewall
// has cut off.
func TestScanGivesUpOnAServerThatFallsSilent(t *testing.T) {
	first := make(chan bool, 1)
	first <- true
	target := listen(t, func(conn net.Conn) {
		select {
		case <-first:
			answers([]byte{21, 3, 3, 0, 2, 2, 40})(conn)
		default:
			silent(conn)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if r, err := Scan(ctx, target); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, report %+v", err, r)
	}
}

// One byte a write is slow but correct, and must be understood.
func TestScanOfAServerThatSendsSingleBytes(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}, MinVersion: tls.VersionTLS12}
	r := scan(t, listen(t, func(conn net.Conn) { tls.Server(dripping{conn}, config).Handshake() }))
	if got := supported(r); !slices.Equal(got, []string{"TLSv1.2", "TLSv1.3"}) {
		t.Errorf("versions %v", got)
	}
}

type dripping struct{ net.Conn }

func (d dripping) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestScanOfHTTPThatNeverEnds(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}}
	r := scan(t, listen(t, func(conn net.Conn) {
		tlsConn := tls.Server(conn, config)
		if tlsConn.Handshake() != nil {
			return
		}
		io.WriteString(tlsConn, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(tlsConn, "X-Filler: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
				return
			}
		}
	}))
	if r.HTTP != nil || len(r.Notes) != 1 {
		t.Errorf("HTTP %+v, notes %q", r.HTTP, r.Notes)
	}
}
