package probe

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// certificates collects the chains that clients of each family are shown.
func (s *scanner) certificates(ctx context.Context) []Certificate {
	families := []string{"", "ecdsa", "rsa"}
	states, errs := make([]tls.ConnectionState, len(families)), make([]error, len(families))
	var all sync.WaitGroup
	for i, family := range families {
		all.Go(func() { states[i], errs[i] = s.shown(ctx, family) })
	}
	all.Wait()
	var found []Certificate
	for i, state := range states {
		family := cmp.Or(families[i], "any")
		if !isAnswer(errs[i]) {
			s.leave(openCertificate, family, errs[i])
		}
		if len(state.PeerCertificates) > 0 {
			found = addCertificate(found, s.t, family, state)
		}
	}
	return found
}

// shown is what the server shows a family. That it has no certificate of a
// family is no fault, and a server that crypto/tls cannot talk to at all is
// asked again later.
func (s *scanner) shown(ctx context.Context, family string) (state tls.ConnectionState, err error) {
	err = s.put(ctx, openCertificate+family, func(ctx context.Context) error {
		var err error
		_, state, err = Leaf(ctx, s.t, family)
		return usable(err)
	})
	return state, err
}

// rawCertificates reads the chain of a server that crypto/tls cannot talk to.
func (s *scanner) rawCertificates(ctx context.Context, version uint16, suites []Code) []Certificate {
	r, err := s.ask(ctx, openCertificate, newHello(s.t, version, suites), true)
	if err != nil {
		s.leave(openCertificate, "any", err)
		return nil
	}
	chain := parseChain(r.chain)
	if len(chain) != len(r.chain) {
		s.note("a certificate of the chain cannot be parsed")
	}
	if len(chain) == 0 {
		return nil
	}
	return addCertificate(nil, s.t, "any", tls.ConnectionState{PeerCertificates: chain})
}

// addCertificate adds a chain, or only its family where the leaf is known.
func addCertificate(found []Certificate, t Target, family string, state tls.ConnectionState) []Certificate {
	c := describeChain(t, state)
	for i := range found {
		if found[i].SHA256 == c.SHA256 {
			found[i].Families = append(found[i].Families, family)
			found[i].merge(c)
			return found
		}
	}
	c.Families = []string{family}
	return append(found, c)
}

// merge adds what only some handshakes bring: a server can be set to send
// SCTs or a staple with some versions only.
func (c *Certificate) merge(other Certificate) {
	for _, s := range other.SCTs {
		if !slices.Contains(c.SCTs, s) {
			c.SCTs = append(c.SCTs, s)
		}
	}
	if c.Staple == nil {
		c.Stapled, c.Staple = other.Stapled, other.Staple
	}
	if other.CT != nil {
		c.CT = newCTPolicy(c.SCTs, c.NotAfter.Sub(c.NotBefore), other.CT.LogList, other.CT.Stale)
	}
}

func describeChain(t Target, state tls.ConnectionState) Certificate {
	leaf, rest := state.PeerCertificates[0], state.PeerCertificates[1:]
	sum := sha256.Sum256(leaf.Raw)
	c := Certificate{
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Names: namesOf(leaf),
		Serial: leaf.SerialNumber.Text(16), SHA256: hex.EncodeToString(sum[:]),
		Signature: leaf.SignatureAlgorithm.String(),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
		OCSP: leaf.OCSPServer, Stapled: len(state.OCSPResponse) > 0, MustStaple: mustStaple(leaf),
		NameMatches: t.SNI == "" || leaf.VerifyHostname(t.SNI) == nil,
	}
	c.Key, c.KeyBits = keyOf(leaf)
	for _, link := range rest {
		key, _ := keyOf(link)
		c.Chain = append(c.Chain, Link{link.Subject.String(), link.Issuer.String(), key, link.SignatureAlgorithm.String(), link.NotAfter})
	}
	c.ChainProblems = chainProblems(state.PeerCertificates)
	c.RootSent = slices.ContainsFunc(rest, isSelfSigned)
	issuer := c.judge(t, leaf, rest)
	c.Staple = readStaple(state.OCSPResponse, leaf, issuer, time.Now())
	c.checkSCTs(t, state, issuer)
	return c
}

// checkSCTs judges the SCTs by the target's list of logs.
func (c *Certificate) checkSCTs(t Target, state tls.ConnectionState, issuer *x509.Certificate) {
	logs, now := t.Logs, time.Now()
	if logs == nil {
		logs = shippedLogList()
	}
	c.SCTs = sctChecker{logs: logs, leaf: state.PeerCertificates[0], issuer: issuer, now: now}.all(state)
	if len(c.SCTs) > 0 {
		c.CT = newCTPolicy(c.SCTs, c.NotAfter.Sub(c.NotBefore), logs.Date, logs.Stale(now))
	}
}

// judge verifies the chain against the roots, leaving the name aside, and
// returns the issuer where it is known.
func (c *Certificate) judge(t Target, leaf *x509.Certificate, rest []*x509.Certificate) *x509.Certificate {
	intermediates := x509.NewCertPool()
	for _, link := range rest {
		intermediates.AddCert(link)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: t.Roots, Intermediates: intermediates, CurrentTime: time.Now()})
	if err == nil {
		err = notOnlyHere(chains, t.Roots != nil)
	}
	c.Trusted = err == nil
	if err == nil && len(chains[0]) > 1 {
		return chains[0][1]
	}
	if err == nil {
		return leaf // it is itself among the roots
	}
	c.TrustError = strings.TrimPrefix(err.Error(), "x509: ")
	var unknown x509.UnknownAuthorityError
	c.Incomplete = errors.As(err, &unknown) && len(rest) == 0 && len(leaf.IssuingCertificateURL) > 0 && !isSelfSigned(leaf)
	if c.Incomplete {
		c.TrustError = "the certificate of the issuer was not sent: " + leaf.Issuer.String()
	}
	return issuerAmong(rest, leaf)
}

// errOnlyHere is about Debian's snakeoil certificate and its like: Go counts
// every file in /etc/ssl/certs among the roots, also a server's own.
var errOnlyHere = errors.New("it is self-signed, and only this host has it among its CAs")

// notOnlyHere refuses a leaf that is trusted for itself alone, unless the user
// named the roots.
func notOnlyHere(chains [][]*x509.Certificate, named bool) error {
	if !named && !slices.ContainsFunc(chains, func(c []*x509.Certificate) bool { return len(c) > 1 }) {
		return errOnlyHere
	}
	return nil
}

// issuerAmong finds the certificate whose key signed the leaf.
func issuerAmong(sent []*x509.Certificate, leaf *x509.Certificate) *x509.Certificate {
	for _, c := range sent {
		if bytes.Equal(c.RawSubject, leaf.RawIssuer) && leaf.CheckSignatureFrom(c) == nil {
			return c
		}
	}
	return nil
}

// chainProblems are faults of the chain that most clients put up with; of very
// many only the first are told.
func chainProblems(chain []*x509.Certificate) []string {
	var problems []string
	for i, cert := range chain[1:] {
		if !bytes.Equal(chain[i].RawIssuer, cert.RawSubject) {
			problems = append(problems, fmt.Sprintf("certificate %d is not the issuer of the one before it", i+2))
		}
		if slices.ContainsFunc(chain[:i+1], cert.Equal) {
			problems = append(problems, fmt.Sprintf("certificate %d is sent twice", i+2))
		}
		if len(problems) >= maxNames {
			return append(problems, "and perhaps more")
		}
	}
	return problems
}

func isSelfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

func namesOf(leaf *x509.Certificate) []string {
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// keyOf describes the public key and gives its size in bits.
func keyOf(c *x509.Certificate) (string, int) {
	switch key := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name, key.Params().BitSize
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen()), key.N.BitLen()
	case ed25519.PublicKey:
		return "Ed25519", 253
	}
	return c.PublicKeyAlgorithm.String(), 0
}
