package probe

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"testing"
	"time"
)

// captured are ServerHellos of OpenSSL 3.0 (TLS 1.2) and Go (TLS 1.3, then a
// HelloRetryRequest), without the message's head.
func captured(t testing.TB) [][]byte {
	var all [][]byte
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		target := serve(t, &tls.Config{Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}})
		conn, done, err := target.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		conn.Write(newHello(target, version, suiteCodes(version == tls.VersionTLS13)).record())
		in := &messages{r: conn}
		_, body, err := in.next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, body)
	}
	return all
}

func FuzzParseServerHello(f *testing.F) {
	for _, body := range captured(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseServerHello(body)
		if err == nil && r.retry && r.share != nil {
			t.Errorf("a HelloRetryRequest with a share: %x", body)
		}
	})
}

// FuzzMessages reads any bytes as a server's flight.
func FuzzMessages(f *testing.F) {
	hello, _ := hex.DecodeString("160303000402000000")
	f.Add(hello)
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40})
	f.Fuzz(func(t *testing.T, stream []byte) {
		in := &messages{r: bytes.NewReader(stream)}
		kind, body, err := in.next()
		if err != nil {
			return
		}
		if len(body)+4 > len(stream) {
			t.Errorf("message of %d bytes from %d", len(body), len(stream))
		}
		if r, err := parseServerHello(body); kind == messageServerHello && err == nil {
			r.readFlight(in)
		}
	})
}

func FuzzCertificates13(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		if chain, err := certificates13(body); err == nil && len(chain) == 0 {
			t.Error("an empty chain without an error")
		}
	})
}

func FuzzParseHSTS(f *testing.F) {
	f.Add("max-age=31536000; includeSubDomains; preload")
	f.Add(`max-age="0";;max-age=1`)
	f.Fuzz(func(t *testing.T, value string) {
		if h := parseHSTS([]string{value}); h.MaxAge < 0 {
			t.Errorf("max-age %d of %q", h.MaxAge, value)
		}
	})
}

// What a server sends as SCTs or as a staple is read whatever it is.
func FuzzSCTsAndStaples(f *testing.F) {
	cert := testCert(f, "ecdsa", "example.test").Leaf
	f.Add(make([]byte, 60))
	f.Add([]byte{0x30, 0x03, 0x0a, 0x01, 0x06})
	f.Fuzz(func(t *testing.T, raw []byte) {
		state := tls.ConnectionState{SignedCertificateTimestamps: [][]byte{raw}, OCSPResponse: raw}
		checker := sctChecker{logs: shippedLogList(), leaf: cert, issuer: cert, now: time.Now()}
		if all := checker.all(state); len(all) == 0 || all[0].Verified == sctValid {
			t.Errorf("SCTs %+v", all)
		}
		if s := readStaple(raw, cert, cert, time.Now()); s != nil && s.Status == stapleGood {
			t.Errorf("staple %+v", s)
		}
		sctList(raw)
	})
}
