package acmetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
)

// WriteCSR writes a CSR and its secp256r1 key, as a user would with openssl.
func WriteCSR(t TB, cn string, names ...string) (csrFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	csrFile, keyFile = filepath.Join(dir, "a.csr"), filepath.Join(dir, "a.key")
	if err := writeCSR(csrFile, keyFile, cn, names); err != nil {
		t.Fatal(err)
	}
	return csrFile, keyFile
}

func writeCSR(csrFile, keyFile, cn string, names []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}, DNSNames: names}, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return errors.Join(err, writePEM(csrFile, "CERTIFICATE REQUEST", csr, 0o644), writePEM(keyFile, "PRIVATE KEY", der, 0o600))
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
