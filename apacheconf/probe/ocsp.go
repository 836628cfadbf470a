package probe

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// oidStapledSCTs marks the SCTs in an OCSP response (RFC 6962, 3.3).
var oidStapledSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 5}

// What a staple says, in Staple.Status.
const (
	stapleGood    = "good"
	stapleRevoked = "revoked"
	stapleUnknown = "unknown"
	stapleInvalid = "invalid" // a client ignores it, or with must-staple refuses
	// stapleUnverified is a staple whose issuer is not known here.
	stapleUnverified = "unverified"
)

// readStaple judges the OCSP response that came with a certificate; nil where
// none came. Without the issuer its signature cannot be verified.
func readStaple(raw []byte, leaf, issuer *x509.Certificate, now time.Time) *Staple {
	if len(raw) == 0 {
		return nil
	}
	resp, err := ocsp.ParseResponseForCert(raw, leaf, nil)
	if err != nil {
		return &Staple{Status: stapleInvalid, Why: unreadable(err)}
	}
	s := &Staple{
		Status: stapleUnknown, ProducedAt: resp.ProducedAt, ThisUpdate: resp.ThisUpdate,
		NextUpdate: resp.NextUpdate, RevokedAt: resp.RevokedAt,
	}
	switch resp.Status {
	case ocsp.Good:
		s.Status = stapleGood
	case ocsp.Revoked:
		s.Status = stapleRevoked
	}
	err = checkStaple(resp, issuer, now)
	switch {
	case err != nil:
		s.Status, s.Why = stapleInvalid, err.Error()
	case issuer == nil:
		s.Status, s.Why = stapleUnverified, "it says "+s.Status+", but the certificate of the issuer was not sent"
	}
	return s
}

// unreadable keeps what an administrator can use and leaves the ASN.1 out.
func unreadable(err error) string {
	var refused ocsp.ResponseError
	var misfit ocsp.ParseError
	if errors.As(err, &refused) || errors.As(err, &misfit) {
		return err.Error()
	}
	return "it cannot be read"
}

func checkStaple(resp *ocsp.Response, issuer *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(resp.ThisUpdate):
		return fmt.Errorf("it is not valid before %s", resp.ThisUpdate.Format(time.RFC3339))
	case !resp.NextUpdate.IsZero() && now.After(resp.NextUpdate):
		return fmt.Errorf("it ran out on %s", resp.NextUpdate.Format(time.RFC3339))
	}
	if issuer == nil {
		return nil
	}
	return checkResponder(resp, issuer, now)
}

// checkResponder verifies the signature: by the issuer itself, or by a
// responder that the issuer has certified for this purpose (RFC 6960, 4.2.2.2),
// which the parser does not look at.
func checkResponder(resp *ocsp.Response, issuer *x509.Certificate, now time.Time) error {
	responder := resp.Certificate
	switch {
	case responder == nil:
		if resp.CheckSignatureFrom(issuer) != nil {
			return errors.New("the issuer did not sign it")
		}
		return nil
	case responder.Equal(issuer):
		return nil // the parser has verified the signature by what came along
	case issuer.CheckSignature(responder.SignatureAlgorithm, responder.RawTBSCertificate, responder.Signature) != nil:
		return errors.New("it is signed by a responder of another issuer")
	case !slices.Contains(responder.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return errors.New("it is signed with a certificate that is not for OCSP")
	case now.Before(responder.NotBefore) || now.After(responder.NotAfter):
		return errors.New("the responder's certificate has expired")
	}
	return nil
}

// oidTLSFeature is the extension that makes a staple obligatory, and
// statusRequest its value for that: a list of one TLS extension (RFC 7633).
var (
	oidTLSFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	statusRequest = 5
)

func mustStaple(leaf *x509.Certificate) bool {
	for _, ext := range leaf.Extensions {
		var features []int
		if !ext.Id.Equal(oidTLSFeature) {
			continue
		}
		if _, err := asn1.Unmarshal(ext.Value, &features); err == nil && slices.Contains(features, statusRequest) {
			return true
		}
	}
	return false
}

// stapledSCTs are the SCTs in an OCSP response.
func stapledSCTs(raw []byte, leaf *x509.Certificate) [][]byte {
	if len(raw) == 0 {
		return nil
	}
	resp, err := ocsp.ParseResponseForCert(raw, leaf, nil)
	if err != nil {
		return nil
	}
	for _, ext := range resp.Extensions {
		if ext.Id.Equal(oidStapledSCTs) {
			return sctList(ext.Value)
		}
	}
	return nil
}

// sctList reads a list of SCTs out of the octet string of an extension.
func sctList(value []byte) [][]byte {
	var list []byte
	if rest, err := asn1.Unmarshal(value, &list); err != nil || len(rest) > 0 {
		return nil
	}
	var scts [][]byte
	c := &cursor{b: list}
	entries := c.sub(2)
	for !entries.empty() && !entries.bad {
		scts = append(scts, entries.vec(2))
	}
	if entries.bad || !c.empty() {
		return nil
	}
	return scts
}
