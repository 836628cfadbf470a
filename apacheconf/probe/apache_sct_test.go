package probe

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlskeeper/apacheconf/apachetest"
)

// Stock Apache serves SCTs from a file: SERVERINFOV2 with a context that names
// ClientHello, TLS 1.2's ServerHello and TLS 1.3's Certificate (0x1180), the
// older SERVERINFO in TLS 1.2 only (OpenSSL: SSL_CTX_use_serverinfo_ex).
func TestSCTsThatApacheServes(t *testing.T) {
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	dir, log, now := t.TempDir(), newTestLog(t, "A"), time.Now()
	pair, err := ca.Issue(dir, apachetest.Leaf{Names: []string{"example.test"}})
	if err != nil {
		t.Fatal(err)
	}
	list := vec(2, vec(2, log.sign(t, finalEntry(pair.Leaf), now.Add(-time.Minute))))
	for block, versions := range map[string][]string{
		"SERVERINFOV2 FOR SCT": {"TLSv1.2", "TLSv1.3"},
		"SERVERINFO FOR SCT":   {"TLSv1.2"},
	} {
		for _, version := range []string{"TLSv1.2", "TLSv1.3"} {
			file := filepath.Join(dir, "serverinfo.pem")
			writeServerInfo(t, file, block, list)
			server := apachetest.Start(t, apachetest.Options{
				Global: "SSLProtocol -all +" + version + "\n" + fmt.Sprintf("SSLOpenSSLConfCmd ServerInfoFile %q\n", file),
				VHosts: []apachetest.VHost{{Name: "example.test", CertFile: pair.CertFile, KeyFile: pair.KeyFile}},
			})
			r := scan(t, Target{Addr: server.Addr(), SNI: "example.test", Roots: ca.Roots(), Logs: logList(t, now, "usable", now, log)})
			var want []string
			for _, served := range versions {
				if served == version {
					want = []string{"A's log tls valid"}
				}
			}
			if diff := cmp.Diff(want, verdicts(t, r)); diff != "" {
				t.Errorf("%s, %s: %s", block, version, diff)
			}
			if err := server.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func writeServerInfo(t *testing.T, file, block string, list []byte) {
	t.Helper()
	const signedCertificateTimestamp = 18
	body := append([]byte{0, signedCertificateTimestamp}, vec(2, list)...)
	if block == "SERVERINFOV2 FOR SCT" {
		body = append([]byte{0, 0, 0x11, 0x80}, body...)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: body}), 0o600); err != nil {
		t.Fatal(err)
	}
}
