package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
)

func TestScanOfAServerThatClosesInsteadOfAlerts(t *testing.T) {
	for name, end := range map[string]func(net.Conn){"closed": func(net.Conn) {}, "reset": func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }} {
		cert := testCert(t, "ecdsa", "example.test")
		config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		target := listen(t, func(conn net.Conn) {
			speaksTLS(config, http.NotFoundHandler())(muteAlerts{conn})
			end(conn)
		})
		target.Roots = x509.NewCertPool()
		target.Roots.AddCert(cert.Leaf)
		r := scan(t, target)
		if r.Incomplete || r.Grade.Letter != "A" || !slices.Equal(supported(r), []string{"TLSv1.2", "TLSv1.3"}) {
			t.Errorf("%s: grade %+v of %v, unknown %v", name, r.Grade, supported(r), r.Unknown)
		}
	}
}

type muteAlerts struct{ net.Conn }

func (m muteAlerts) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == recordAlert {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

func TestLeafOfAServerThatHangsUpAtFirst(t *testing.T) {
	var n atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if n.Add(1) == 1 {
			readRecord(conn)
			return
		}
		answers([]byte{21, 3, 3, 0, 2, 2, 40})(conn)
	})
	_, _, err := Leaf(t.Context(), target, "ecdsa")
	var none *FamilyError
	if err == nil || errors.As(err, &none) {
		t.Errorf("error %v", err)
	}
}
