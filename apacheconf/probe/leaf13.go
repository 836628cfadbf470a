package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// handshake13 takes the TLS 1.3 leaf and refuses it when it is of the other
// family.
func handshake13(ctx context.Context, t Target, family string) (tls.ConnectionState, error) {
	config := t.client()
	config.MinVersion = tls.VersionTLS13
	got := handshake(ctx, t, config)
	if got.err != nil {
		return got.state, got.err
	}
	if f := familyOf(got.state.PeerCertificates[0]); f != family {
		return got.state, errRefused{fmt.Errorf("the server prefers its %s certificate", f)}
	}
	return got.state, nil
}

type errRefused struct{ error }

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

// isRefusal tells whether the server answered with TLS and declined.
func isRefusal(err error) bool {
	_, ok := err.(errRefused)
	return ok || isAlert(err)
}
