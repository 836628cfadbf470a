// Package leaf reads certificates and says whether a chain is what was asked
// for: the leaf of our key, exactly our names, valid now, for servers, its
// chain in order. It does not ask whether anybody trusts the root: that is for
// the clients to say. It imports nothing of the project.
package leaf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParseChain reads the certificates of a PEM file, leaf first. Text between
// the blocks is allowed (RFC 7468, section 5.2); another kind of block is not:
// a private key has no business in a chain.
func ParseChain(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("reading a chain: found a %q block", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading certificate %d of a chain: %v", len(chain)+1, err)
		}
		chain = append(chain, cert)
		data = rest
	}
	if len(chain) == 0 {
		return nil, errors.New("reading a chain: it holds no certificate")
	}
	return chain, nil
}

// ParseKey reads the first private key of a PEM file: PKCS #8, or the older
// EC and RSA forms.
func ParseKey(data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		key, err := parseKeyBlock(block)
		if err != nil {
			return nil, fmt.Errorf("reading a private key: %v", err)
		}
		if key != nil {
			return key, nil
		}
	}
	return nil, errors.New("reading a private key: no PEM block holds one")
}

// parseKeyBlock returns nil without an error for a block that is no key, such
// as the EC PARAMETERS that openssl writes in front of one.
func parseKeyBlock(block *pem.Block) (crypto.Signer, error) {
	switch block.Type {
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("it is encrypted")
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("a %T cannot sign", key)
		}
		return signer, nil
	}
	return nil, nil
}

// EncodeKey writes key as PKCS #8 in PEM.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %v", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Fingerprint is the SHA-256 of the certificate, in lower-case hexadecimal.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Covers tells whether a DNS name as it stands in a certificate, maybe a
// wildcard for one label, is for name (RFC 6125, section 6.4.3).
func Covers(pattern, name string) bool {
	if rest, wild := strings.CutPrefix(pattern, "*."); wild {
		_, domain, _ := strings.Cut(name, ".")
		return strings.EqualFold(domain, rest)
	}
	return strings.EqualFold(pattern, name)
}

// Family names the signature family of a certificate's key, as a TLS client
// chooses between certificates: "ecdsa", "rsa", or "" for any other.
func Family(cert *x509.Certificate) string {
	switch cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ecdsa"
	case *rsa.PublicKey:
		return "rsa"
	}
	return ""
}

// KeyType names a public key the way OpenSSL and the configuration do:
// "secp384r1", "secp256r1", "rsa2048"; "" for a kind that is none of ours.
func KeyType(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return curveNames[key.Curve.Params().Name]
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa%d", key.N.BitLen())
	}
	return ""
}

var curveNames = map[string]string{"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}
