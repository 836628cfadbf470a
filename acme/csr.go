package acme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"

	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
)

// KeyType is the kind of a certificate's key, by its OpenSSL name.
type KeyType string

// The kinds that public CAs certify.
const (
	P384    KeyType = "secp384r1"
	P256    KeyType = "secp256r1"
	RSA2048 KeyType = "rsa2048"
	RSA4096 KeyType = "rsa4096"
)

// DefaultKeyType is used where a request names none.
const DefaultKeyType = P384

func newKey(kind KeyType) (crypto.Signer, error) {
	switch kind {
	case P384, "":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fmt.Errorf("unknown key type %q (secp384r1, secp256r1, rsa2048 or rsa4096)", kind)
}

// newCSR asks for names in the SAN extension alone; the subject is empty
// (common names have not counted for years, and CAs' new profiles drop them).
func newCSR(key crypto.Signer, names []string) ([]byte, error) {
	template := &x509.CertificateRequest{}
	if leaf.KeyType(key.Public()) == string(P384) {
		template.SignatureAlgorithm = x509.ECDSAWithSHA384
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("making a CSR: %v", err)
	}
	return der, nil
}

// readCSR loads a CSR that the user made: its bytes and the names in it, which
// are exactly those to order. A common name that is no SAN is an error: a CA
// would have to refuse it.
func readCSR(path string) (*x509.CertificateRequest, []string, error) {
	data, err := safepath.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the CSR: %w", err)
	}
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	csr, err := x509.ParseCertificateRequest(data)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the CSR %s: %v", path, err)
	}
	var written []string
	written = append(written, csr.DNSNames...)
	for _, ip := range csr.IPAddresses {
		written = append(written, ip.String())
	}
	names, err := dnsname.FoldAll(written)
	if err != nil {
		return nil, nil, fmt.Errorf("the CSR %s: %w", path, err)
	}
	return csr, names, checkCommonName(csr, names)
}

func checkCommonName(csr *x509.CertificateRequest, names []string) error {
	cn := csr.Subject.CommonName
	if cn == "" {
		return nil
	}
	folded, err := dnsname.Fold(cn)
	if err != nil {
		return err
	}
	for _, n := range names {
		if n == folded {
			return nil
		}
	}
	return &dnsname.Error{Name: cn, Why: "it is the CSR's common name, but not among its subjectAltNames"}
}

// publicKeyOf reads the key a CSR asks to certify.
func publicKeyOf(der []byte) (crypto.PublicKey, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, errors.New("reading the journaled CSR: " + err.Error())
	}
	return csr.PublicKey, nil
}
