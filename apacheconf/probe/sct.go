package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	ct "github.com/google/certificate-transparency-go"
	cttls "github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"

	"tlskeeper/internal/leaf"
)

// What is found out about an SCT's signature, in SCT.Verified.
const (
	sctValid      = "valid"
	sctInvalid    = "invalid"     // a known log did not sign this
	sctUnknownLog = "unknown_log" // the log is not in the list; that is not bad in itself
	sctUnchecked  = "unchecked"
)

// Where SCTs come from, in SCT.Source (RFC 6962, 3.3).
const (
	sctInCertificate = "certificate"
	sctInTLS         = "tls"
	sctInOCSP        = "ocsp"
)

// sctChecker checks the SCTs of one certificate.
type sctChecker struct {
	logs   *LogList
	leaf   *x509.Certificate
	issuer *x509.Certificate // nil where it was not sent and is no known root
	now    time.Time
}

// maxSCTs is how many SCTs of one source are looked at: more than policies ask
// for, few enough that a hostile list costs no time.
const maxSCTs = 16

// all reads and checks the SCTs in the certificate, in the handshake, and in
// the stapled OCSP response.
func (c sctChecker) all(state tls.ConnectionState) []SCT {
	found := c.each(leaf.SCTs(c.leaf), sctInCertificate)
	found = append(found, c.each(state.SignedCertificateTimestamps, sctInTLS)...)
	return append(found, c.each(stapledSCTs(state.OCSPResponse, c.leaf), sctInOCSP)...)
}

func (c sctChecker) each(raw [][]byte, source string) []SCT {
	var found []SCT
	for _, one := range raw[:min(len(raw), maxSCTs)] {
		found = append(found, c.check(one, source))
	}
	return found
}

// check reads one SCT. What cannot be read is told, not left out: a browser
// does not count it, and somebody put it there.
func (c sctChecker) check(raw []byte, source string) SCT {
	var parsed ct.SignedCertificateTimestamp
	if rest, err := cttls.Unmarshal(raw, &parsed); err != nil || len(rest) > 0 {
		return SCT{Source: source, Verified: sctInvalid, Why: "it cannot be read"}
	}
	s := SCT{
		LogID: base64.StdEncoding.EncodeToString(parsed.LogID.KeyID[:]), Source: source,
		Time: time.UnixMilli(int64(parsed.Timestamp)).UTC(),
	}
	log, known := c.logs.logs[parsed.LogID.KeyID]
	if !known {
		s.Verified = sctUnknownLog
		return s
	}
	s.Log, s.Operator, s.LogState, s.counts = log.name, log.operator, log.state, log.counts(s.Time)
	s.Verified = sctValid
	if err := c.verify(log, parsed, source); err != nil {
		s.Verified, s.Why = sctInvalid, err.Error()
		if errors.Is(err, errNoIssuer) {
			s.Verified = sctUnchecked
		}
	}
	return s
}

var errNoIssuer = errors.New("the certificate of the issuer, which the log signed too, was not sent")

func (c sctChecker) verify(log ctLog, parsed ct.SignedCertificateTimestamp, source string) error {
	if ct.TimestampToTime(parsed.Timestamp).After(c.now) {
		return errors.New("it is dated in the future")
	}
	verifier, err := log.verifier()
	if err != nil {
		return err
	}
	signed, err := c.signedLeaf(parsed.Timestamp, source)
	if err != nil {
		return err
	}
	if err := verifier.VerifySCTSignature(parsed, ct.LogEntry{Leaf: *signed}); err != nil {
		return fmt.Errorf("the log %s did not sign this certificate", log.name)
	}
	return nil
}

// signedLeaf is what the log signed: for an SCT in a certificate the
// precertificate, which is the certificate without its SCTs and the hash of
// the issuer's key; for others the certificate itself (RFC 6962, 3.2). Only
// the raw parts of certificate-transparency-go's certificates are used.
func (c sctChecker) signedLeaf(timestamp uint64, source string) (*ct.MerkleTreeLeaf, error) {
	if source != sctInCertificate {
		return ct.CreateX509MerkleTreeLeaf(ct.ASN1Cert{Data: c.leaf.Raw}, timestamp), nil
	}
	if c.issuer == nil {
		return nil, errNoIssuer
	}
	return ct.MerkleTreeLeafForEmbeddedSCT([]*ctx509.Certificate{
		{RawTBSCertificate: c.leaf.RawTBSCertificate},
		{RawSubjectPublicKeyInfo: c.issuer.RawSubjectPublicKeyInfo},
	}, timestamp)
}
