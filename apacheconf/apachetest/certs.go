package apachetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Leaf says what certificate a CA shall make. Zero times mean: valid from an
// hour ago for ninety days.
type Leaf struct {
	Names               []string
	KeyType             string // "secp384r1" (default), "secp256r1", "rsa2048"
	OCSP                string // responder URL to name, normally none
	NotBefore, NotAfter time.Time
}

// Pair is a certificate with its key, and where it was written.
type Pair struct {
	CertFile, KeyFile string // fullchain and key, PEM
	Leaf              *x509.Certificate
}

// CA is a private certificate authority that lives in memory.
type CA struct {
	Cert *x509.Certificate
	key  crypto.Signer
}

// NewCA makes a root with a P-256 key.
func NewCA() (*CA, error) {
	key, err := newKey("secp256r1")
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "apachetest root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the root: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{Cert: cert, key: key}, err
}

// Roots is a pool with this CA alone.
func (ca *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	return pool
}

// Issue writes dir/fullchain.pem (leaf and root) and dir/key.pem, the names of
// a certificate generation. The directory is made where it is missing.
func (ca *CA) Issue(dir string, leaf Leaf) (Pair, error) {
	key, err := newKey(leaf.KeyType)
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf.template(), ca.Cert, key.Public(), ca.key)
	if err != nil {
		return Pair{}, fmt.Errorf("making a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Pair{}, err
	}
	p := Pair{CertFile: filepath.Join(dir, "fullchain.pem"), KeyFile: filepath.Join(dir, "key.pem"), Leaf: cert}
	return p, p.write(dir, key, der, ca.Cert.Raw)
}

func (l Leaf) template() *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand does not fail on Linux
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "apachetest leaf"}, DNSNames: l.Names,
		NotBefore: l.NotBefore, NotAfter: l.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if t.NotBefore.IsZero() {
		t.NotBefore = time.Now().Add(-time.Hour)
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = time.Now().Add(90 * 24 * time.Hour)
	}
	if l.OCSP != "" {
		t.OCSPServer = []string{l.OCSP}
	}
	return t
}

func (p Pair) write(dir string, key crypto.Signer, chain ...[]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(p.KeyFile, keyPEM, 0o600); err != nil {
		return err
	}
	var full []byte
	for _, c := range chain {
		full = append(full, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return os.WriteFile(p.CertFile, full, 0o644)
}

func newKey(keyType string) (crypto.Signer, error) {
	switch keyType {
	case "", "secp384r1":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "secp256r1":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("making a key: unknown type %q", keyType)
}
