package probe

import (
	"net"
	"slices"
	"testing"
)

// oldServer speaks what no library at hand speaks any more: SSL 3 with RC4 and
// 3DES, DEFLATE where it is offered, no renegotiation_info. It answers the
// ClientHello by RFC 6101, 5.6.1, and shows its certificate.
func oldServer(t *testing.T) Target {
	suites := []Code{0x0005, 0x000a}
	cert := testCert(t, "rsa", "example.test")
	return listen(t, func(conn net.Conn) {
		_, payload, err := readRecord(conn)
		if err != nil {
			return
		}
		c := &cursor{b: payload}
		c.take(4)
		version := c.u16()
		c.take(32)
		c.vec(1)
		offered, compression := c.sub(2), c.vec(1)
		var picked Code
		for !offered.empty() {
			if id := Code(offered.u16()); picked == 0 && slices.Contains(suites, id) {
				picked = id
			}
		}
		if c.bad || version < versionSSL30 || picked == 0 {
			conn.Write([]byte{21, 3, 0, 0, 2, 2, 40})
			return
		}
		body := append([]byte{3, 0}, make([]byte, 32)...)
		body = append(u16s(append(body, 2, 7, 7), picked), compression[0])
		flight := append([]byte{2}, vec(3, body)...)
		flight = append(flight, append([]byte{11}, vec(3, vec(3, vec(3, cert.Certificate[0])))...)...)
		flight = append(flight, 14, 0, 0, 0)
		conn.Write(append([]byte{22, 3, 0}, vec(2, flight)...))
	})
}

func TestScanOfAnSSL3Server(t *testing.T) {
	r := scan(t, oldServer(t))
	if got := supported(r); !slices.Equal(got, []string{"SSLv3"}) {
		t.Errorf("versions %v", got)
	}
	if got := suitesOf(r, versionSSL30); !slices.Equal(got, []string{"TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"}) {
		t.Errorf("suites %v", got)
	}
	if !r.Features.Compression || answer(r.Features.SecureRenegotiation) != "no" || answer(r.Features.SessionIDs) != "yes" {
		t.Errorf("features %+v", r.Features)
	}
	if len(r.Certificates) != 1 || r.Certificates[0].Key != "RSA 2048" {
		t.Errorf("certificates %+v", r.Certificates)
	}
	if r.GradeTrusted.Letter != "C" || len(r.Notes) > 0 {
		t.Errorf("grade %+v, notes %q", r.GradeTrusted, r.Notes)
	}
}
