package probe

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/google/certificate-transparency-go/testdata"

	"tlskeeper/internal/leaf"
)

// Certificates, SCTs and log key of the Certificate Transparency project,
// which our own tests did not make.
func TestSCTsOfTheReferenceData(t *testing.T) {
	issuer := parsePEM(t, testdata.CACertPEM)
	block, _ := pem.Decode([]byte(testdata.LogPublicKeyPEM))
	logs := logList(t, time.Now(), "usable", time.Now(), testLog{spki: block.Bytes, operator: "A"})
	check := func(name, cert, source string, raw func(*x509.Certificate) []byte, want string) {
		c := parsePEM(t, cert)
		checker := sctChecker{logs: logs, leaf: c, issuer: issuer, now: time.Now()}
		if got := checker.check(raw(c), source); got.Verified != want {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
	}
	embedded := func(c *x509.Certificate) []byte { return leaf.SCTs(c)[0] }
	proof := func(*x509.Certificate) []byte { return testdata.TestCertProof }
	check("embedded", testdata.TestEmbeddedCertPEM, sctInCertificate, embedded, sctValid)
	check("embedded, broken", testdata.TestInvalidEmbeddedCertPEM, sctInCertificate, embedded, sctInvalid)
	check("in the handshake", testdata.TestCertPEM, sctInTLS, proof, sctValid)
	check("of another certificate", testdata.TestEmbeddedCertPEM, sctInTLS, proof, sctInvalid)
}

func parsePEM(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
