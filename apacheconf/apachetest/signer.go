package apachetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// Signer is a certificate that may sign others.
type Signer struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

// Sign makes a certificate of this name, signed by the receiver, or by itself
// where there is none.
func (s *Signer) Sign(name string, isCA bool) (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: isCA, BasicConstraintsValid: true}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	out := &Signer{Key: key}
	parent := s
	if s == nil {
		parent = &Signer{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.Cert, key.Public(), parent.Key)
	if err != nil {
		return nil, err
	}
	out.Cert, err = x509.ParseCertificate(der)
	return out, err
}
