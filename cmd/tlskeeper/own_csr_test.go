package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The key of a CSR is on another host: nothing is wrong here, and every command
// says where it is.
func TestCSRWhoseKeyIsElsewhere(t *testing.T) {
	d := newDesk(t, "www.example.test")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"www.example.test"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := filepath.Join(t.TempDir(), "a.csr")
	d.write(csr, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	file := filepath.Join(d.root, "etc", "tlskeeper", "config.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d.write(file, strings.Replace(string(text), `names = ["www.example.test"]`, "name = \"www.example.test\"\ncsr = \""+csr+"\"", 1))
	if out, _ := d.types(exitOK, "issue --agree-tos"); !strings.Contains(out, "its key is elsewhere") {
		t.Errorf("issue: %s", out)
	}
	for _, line := range []string{"renew", "certs", "status", "certs show www.example.test"} {
		if out, _ := d.types(exitOK, line); !strings.Contains(out, "elsewhere") {
			t.Errorf("%s: %s", line, out)
		}
	}
	if err := os.Remove(csr); err != nil {
		t.Fatal(err)
	}
	if _, said := d.types(exitFailed, "renew"); strings.Count(said, csr) != 1 {
		t.Errorf("without it: %s", said)
	}
	d.types(exitFailed, "certs rollback www.example.test --yes")
}
