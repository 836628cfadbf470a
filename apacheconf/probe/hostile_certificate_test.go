package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// printed is the text of a report and its findings.
func printed(t testing.TB, r *Report) string {
	t.Helper()
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := WriteFindings(&text, "any", r.Check(Profile{Name: "any"})); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestCertificateWithTenThousandNames(t *testing.T) {
	cert := issue(t, "ecdsa", nil, nil, func(c *x509.Certificate) {
		for i := range 10_000 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("n%d.example.test", i))
		}
	})
	r := scan(t, serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}))
	if len(r.Certificates) != 1 || len(r.Certificates[0].Names) != 10_000 {
		t.Fatalf("certificates %d, notes %q", len(r.Certificates), r.Notes)
	}
	text := printed(t, r)
	if len(text) > 6000 || !strings.Contains(text, "and 9988 more") {
		t.Errorf("%d bytes are printed", len(text))
	}
	for line := range strings.Lines(text) {
		if len(line) > 81 {
			t.Errorf("a line of %d columns: %q", len(line)-1, line)
		}
	}
}

// crypto/x509 lets control characters through in names and subjects.
func TestNamesWithControlCharacters(t *testing.T) {
	cert := issue(t, "ecdsa", nil, nil, func(c *x509.Certificate) {
		c.Subject.CommonName = "a\r\nserver  forged.example\x1b]0;x\a"
		c.DNSNames = []string{"b\x1b[2J\r\n.test", "c\x00d"}
	})
	text := printed(t, scan(t, serve(t, &tls.Config{Certificates: []tls.Certificate{cert}})))
	if strings.ContainsAny(text, "\x1b\x00\a\r") || strings.Contains(text, "\nserver  forged") {
		t.Errorf("not escaped: %q", text)
	}
}

// A chain beyond what crypto/tls and we read is no reason to hang or to fill
// the memory; the rest of the scan goes on.
func TestChainOfSixteenMegabytes(t *testing.T) {
	link := testCert(t, "ecdsa", "example.test")
	chain := tls.Certificate{PrivateKey: link.PrivateKey}
	for size := 0; size < 16<<20; size += len(link.Certificate[0]) {
		chain.Certificate = append(chain.Certificate, link.Certificate[0])
	}
	flight := chainFlight(chain)
	r := scan(t, listen(t, func(conn net.Conn) {
		if _, _, err := readRecord(conn); err == nil {
			conn.Write(flight)
		}
	}))
	if len(r.Certificates) > 0 || len(supported(r)) == 0 {
		t.Errorf("certificates %d, versions %v", len(r.Certificates), supported(r))
	}
}

// chainFlight is an answer of TLS 1.2 with a Certificate message that is as
// long as a message can be.
func chainFlight(chain tls.Certificate) []byte {
	hello := append([]byte{3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0xc0, 0x2b, 0)
	messages := append([]byte{2}, vec(3, hello)...)
	var list []byte
	for _, der := range chain.Certificate {
		if len(list)+len(der)+3 > 0xffffff-3 {
			break
		}
		list = append(list, vec(3, der)...)
	}
	messages = append(messages, append([]byte{11}, vec(3, vec(3, list))...)...)
	var records []byte
	for len(messages) > 0 {
		n := min(len(messages), 16384)
		records = append(append(records, 22, 3, 3), vec(2, messages[:n])...)
		messages = messages[n:]
	}
	return records
}

// One byte of a handshake now and then keeps a connection busy, but no longer
// than its deadline.
func TestSlowLoris(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	target := listen(t, func(conn net.Conn) {
		rest := append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 16384)...)
		for tick := time.NewTicker(time.Millisecond); len(rest) > 0; <-tick.C {
			if _, err := conn.Write(rest[:1]); err != nil {
				return
			}
			rest = rest[1:]
		}
	})
	if _, err := Scan(ctx, target); !isTimeout(err) {
		t.Errorf("error %v", err)
	}
}

// A server that goes on for ever after a good ServerHello.
func TestEndlessHandshakeAfterServerHello(t *testing.T) {
	hello := append([]byte{3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0xc0, 0x2b, 0)
	r := scan(t, listen(t, func(conn net.Conn) {
		if _, _, err := readRecord(conn); err == nil {
			flood(conn, append([]byte{2}, vec(3, hello)...))
		}
	}))
	if len(r.Certificates) > 0 {
		t.Errorf("certificates %+v", r.Certificates)
	}
}
