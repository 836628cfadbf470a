package probe

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
)

// suites13 are the suites whose records can be opened here. TLS 1.3 makes the
// first of them mandatory (RFC 8446, 9.1).
var suites13 = []Code{Code(tls.TLS_AES_128_GCM_SHA256), Code(tls.TLS_AES_256_GCM_SHA384)}

// handshake13 makes a TLS 1.3 handshake up to the server's CertificateVerify,
// offering only signature schemes of one family, which crypto/tls cannot do:
// a server that has only TLS 1.3 and certificates of both families shows its
// second one in no other way. Then it hangs up.
func handshake13(ctx context.Context, t Target, family string) (tls.ConnectionState, error) {
	h := hello{version: tls.VersionTLS13, suites: suites13, sni: t.SNI, sigAlgs: rsaSigAlgs}
	if family == "ecdsa" {
		h.sigAlgs = ecdsaSigAlgs
	}
	h.groups = shareGroups
	group, err := wantedGroup(ctx, t, h)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	key, share, err := newShare(group)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	h.groups, h.shares = []Code{group}, []keyShare{share}
	return shake13(ctx, t, h, key)
}

// wantedGroup asks which group the server would take, so that the handshake
// itself needs no second ClientHello.
func wantedGroup(ctx context.Context, t Target, h hello) (Code, error) {
	r, err := exchange(ctx, t, h, false)
	if err != nil {
		return 0, fmt.Errorf("handshake with %s: %w", t, err)
	}
	if !r.retry || !slices.Contains(shareGroups, r.group) {
		return 0, fmt.Errorf("handshake with %s: %w: no HelloRetryRequest for an offered group", t, errMalformed)
	}
	return r.group, nil
}

func shake13(ctx context.Context, t Target, h hello, key *shareKey) (tls.ConnectionState, error) {
	c, done, err := t.dial(ctx)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer done()
	s := &session13{in: &messages{r: c}, key: key}
	state, err := s.run(c, h)
	if err != nil {
		return tls.ConnectionState{}, fmt.Errorf("handshake with %s: %w", t, c.cut(err))
	}
	state.ServerName = t.SNI
	return state, nil
}

// checkSignature verifies a CertificateVerify (RFC 8446, 4.4.3) over the
// transcript hash up to the Certificate message.
func checkSignature(leaf *x509.Certificate, body, transcript []byte) error {
	c := &cursor{b: body}
	scheme := tls.SignatureScheme(c.u16())
	signature := c.vec(2)
	if c.bad || !c.empty() {
		return fmt.Errorf("%w: CertificateVerify", errMalformed)
	}
	hash := schemeHash(scheme)
	if hash == 0 {
		return fmt.Errorf("%w: signature scheme %v was not offered", errMalformed, scheme)
	}
	digest := hash.New()
	for range 64 {
		digest.Write([]byte{0x20})
	}
	digest.Write([]byte("TLS 1.3, server CertificateVerify\x00"))
	digest.Write(transcript)
	return verifySignature(leaf.PublicKey, hash, digest.Sum(nil), signature)
}

// schemeHash is the hash of a scheme that TLS 1.3 allows in a handshake.
func schemeHash(scheme tls.SignatureScheme) crypto.Hash {
	switch scheme {
	case tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256, 0x0809, 0x081a:
		return crypto.SHA256
	case tls.ECDSAWithP384AndSHA384, tls.PSSWithSHA384, 0x080a, 0x081b:
		return crypto.SHA384
	case tls.ECDSAWithP521AndSHA512, tls.PSSWithSHA512, 0x080b, 0x081c:
		return crypto.SHA512
	}
	return 0
}

func verifySignature(key any, hash crypto.Hash, digest, signature []byte) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, digest, signature) {
			return nil
		}
		return fmt.Errorf("the server does not hold the key of its certificate")
	case *rsa.PublicKey:
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		if err := rsa.VerifyPSS(key, hash, digest, signature, options); err != nil {
			return fmt.Errorf("the server does not hold the key of its certificate: %w", err)
		}
		return nil
	}
	return fmt.Errorf("cannot verify a signature by %T", key)
}

// familyOf names the signature family of a certificate's key.
func familyOf(leaf *x509.Certificate) string {
	switch leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ecdsa"
	case *rsa.PublicKey:
		return "rsa"
	}
	return leaf.PublicKeyAlgorithm.String()
}
