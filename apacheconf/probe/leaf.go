package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// FamilyError says that the server answered, but refuses every handshake with
// the asked signature family: it holds no certificate of that kind for the
// name, or takes it only with a suite or group that is not spoken here (DHE,
// Camellia and the like before TLS 1.3, exotic groups in TLS 1.3).
type FamilyError struct {
	Target Target
	Family string
	Err    error
}

func (e *FamilyError) Error() string {
	return fmt.Sprintf("%s serves no %s certificate: %v", e.Target, e.Family, e.Err)
}

func (e *FamilyError) Unwrap() error { return e.Err }

// Leaf makes one handshake and returns the certificate that was served for
// t.SNI, without judging whether it is trusted. Family "ecdsa" or "rsa" forces
// the kind of certificate as a client with only that family would, because a
// server with both kinds shows most clients only one of them; "" takes what
// the server prefers. The server has proved possession of the key.
//
// The family is forced by the suites of TLS 1.2 and, on a server that has no
// TLS 1.2, by the signature_algorithms of a TLS 1.3 ClientHello written by
// hand. Without a deadline in ctx each of the two attempts has defaultTimeout.
//
// It returns *FamilyError when the server answers and has no such certificate.
func Leaf(ctx context.Context, t Target, family string) (*x509.Certificate, tls.ConnectionState, error) {
	config := t.client()
	switch family {
	case "":
		return leafOf(t, handshake(ctx, t, config))
	case "ecdsa", "rsa":
		config.MaxVersion = tls.VersionTLS12
		config.CipherSuites = familySuites(family)
	default:
		return nil, tls.ConnectionState{}, fmt.Errorf("unknown signature family %q: want ecdsa or rsa", family)
	}
	got := handshake(ctx, t, config)
	if got.err == nil || !isRefusal(got.err) && !isHangup(got.err) {
		return leafOf(t, got)
	}
	state, err := handshake13(ctx, t, family)
	if err == nil {
		return state.PeerCertificates[0], state, nil
	}
	switch {
	case isRefusal(err) && isRefusal(got.err):
		err = &FamilyError{Target: t, Family: family, Err: err}
	case isRefusal(err): // to hang up is no answer to the first question
		_, _, err = leafOf(t, got)
	}
	return nil, tls.ConnectionState{}, err
}

// Unanswered tells whether an error of Leaf or Scan says nothing about the
// server's configuration: nobody listens, nobody answers in time, an answer
// breaks off. To hang up at once is an answer, if a poor one: a server that
// wants something else before TLS does so every time.
func Unanswered(err error) bool {
	var plain tls.RecordHeaderError
	var other *notTLSError
	return err != nil && !isAnswer(usable(err)) && !isHangup(err) && !errors.As(err, &plain) && !errors.As(err, &other)
}

// leafOf takes the leaf out of one handshake.
func leafOf(t Target, got attempt) (*x509.Certificate, tls.ConnectionState, error) {
	if got.err != nil {
		return nil, tls.ConnectionState{}, fmt.Errorf("handshake with %s: %w", t, got.err)
	}
	if len(got.state.PeerCertificates) == 0 {
		return nil, tls.ConnectionState{}, fmt.Errorf("handshake with %s: no certificate shown", t)
	}
	return got.state.PeerCertificates[0], got.state, nil
}

// familySuites are the TLS 1.2 suites of crypto/tls that need a certificate of
// the family. Old suites are included: the question is which certificate is
// served, not whether the suite is good.
func familySuites(family string) []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		isECDSA := suiteByID(Code(s.ID)).Auth == "ECDSA"
		if s.SupportedVersions[0] != tls.VersionTLS13 && isECDSA == (family == "ecdsa") {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// attempt is what one handshake gave.
type attempt struct {
	state       tls.ConnectionState
	askedClient bool // the server asked for a client certificate
	err         error
}

// handshake makes one crypto/tls handshake. A server that demands a client
// certificate refuses us only after it has shown its own and proved its key,
// so that counts as a success.
func handshake(ctx context.Context, t Target, config *tls.Config) attempt {
	c, done, err := t.dial(ctx)
	if err != nil {
		return attempt{err: err}
	}
	defer done()
	got := handshakeOn(ctx, c, config)
	got.err = c.cut(got.err)
	return got
}

func handshakeOn(ctx context.Context, conn net.Conn, config *tls.Config) attempt {
	var got attempt
	var shown []*x509.Certificate
	config = config.Clone()
	config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		shown = parseChain(raw)
		return nil
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		got.askedClient = true
		return &tls.Certificate{}, nil
	}
	tlsConn := tls.Client(conn, config)
	got.err = tlsConn.HandshakeContext(ctx)
	got.state = tlsConn.ConnectionState()
	if got.err != nil && got.askedClient && isAlert(got.err) && len(shown) > 0 {
		got.err = nil
		got.state.PeerCertificates = shown
	}
	return got
}

// parseChain parses what can be parsed; crypto/tls has already refused a
// certificate that it cannot read.
func parseChain(raw [][]byte) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range raw {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}

// isAlert tells whether the peer ended the handshake with a TLS alert.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
