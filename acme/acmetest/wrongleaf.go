package acmetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// Forger is a CA gone wrong: everything up to the download is the real one's,
// and what is downloaded is made here, for the CSR that came with finalize.
type Forger struct {
	// Leaf changes the certificate, or the key that it is for, before it is
	// signed. nil changes nothing.
	Leaf func(template *x509.Certificate, key *crypto.PublicKey)
	// Chain changes what is sent: the leaf and its issuer, in DER. nil changes
	// nothing.
	Chain func(chain [][]byte) [][]byte

	mu     sync.Mutex
	csr    *x509.CertificateRequest
	failed error
}

// Intercept is for Options.
func (f *Forger) Intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch KindOf(r) {
		case Finalize:
			f.overhear(r)
		case Certificate:
			Changed(func([]byte) []byte { return f.forge() })(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// overhear keeps the CSR of a finalize request, and gives the body back.
func (f *Forger) overhear(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed = err; err == nil {
		f.csr, f.failed = csrOf(body)
	}
}

// csrOf reads the CSR in a signed finalize request (RFC 8555, section 7.4).
func csrOf(body []byte) (*x509.CertificateRequest, error) {
	var signed struct{ Payload string }
	if err := json.Unmarshal(body, &signed); err != nil {
		return nil, err
	}
	payload, err := base64.RawURLEncoding.DecodeString(signed.Payload)
	if err != nil {
		return nil, err
	}
	var order struct{ CSR string }
	if err := json.Unmarshal(payload, &order); err != nil {
		return nil, err
	}
	der, err := base64.RawURLEncoding.DecodeString(order.CSR)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificateRequest(der)
}

// forge returns the chain in PEM. What keeps it from being made is sent in its
// place, so that a test shows it.
func (f *Forger) forge() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil || f.csr == nil {
		return fmt.Appendf(nil, "no CSR was overheard: %v", f.failed)
	}
	chain, err := f.sign()
	if err != nil {
		return []byte(err.Error())
	}
	if f.Chain != nil {
		chain = f.Chain(chain)
	}
	var out []byte
	for _, der := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

func (f *Forger) sign() ([][]byte, error) {
	issuerKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "forged issuer"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
	}
	issuerDER, err := x509.CreateCertificate(rand.Reader, issuer, issuer, issuerKey.Public(), issuerKey)
	if err != nil {
		return nil, err
	}
	if issuer, err = x509.ParseCertificate(issuerDER); err != nil {
		return nil, err
	}
	template, key := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), DNSNames: f.csr.DNSNames, IPAddresses: f.csr.IPAddresses,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 90),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, crypto.PublicKey(f.csr.PublicKey)
	if f.Leaf != nil {
		f.Leaf(template, &key)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, template, issuer, key, issuerKey)
	return [][]byte{leafDER, issuerDER}, err
}
