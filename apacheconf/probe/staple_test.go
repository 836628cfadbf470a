package probe

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ocsp"
)

// staple signs an OCSP response for a leaf, by the root or another responder.
func (p testPKI) staple(t testing.TB, leaf tls.Certificate, responder *tls.Certificate, edit func(*ocsp.Response)) []byte {
	t.Helper()
	now := time.Now().Truncate(time.Minute)
	template := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.Leaf.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	if edit != nil {
		edit(&template)
	}
	by := &p.root
	if responder != nil {
		by = responder
		template.Certificate = responder.Leaf
	}
	raw, err := ocsp.CreateResponse(p.root.Leaf, by.Leaf, template, by.PrivateKey.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestStapledOCSP(t *testing.T) {
	pki := newTestPKI(t)
	leaf, other := pki.leaf(t, nil), pki.leaf(t, nil)
	delegate := func(usage ...x509.ExtKeyUsage) *tls.Certificate {
		c := issue(t, "ecdsa", &pki.root, nil, func(c *x509.Certificate) { c.ExtKeyUsage = usage })
		return &c
	}
	selfMade := testCert(t, "ecdsa", "responder")
	for name, c := range map[string]struct {
		staple []byte
		want   string
		why    string
	}{
		"good":      {pki.staple(t, leaf, nil, nil), stapleGood, ""},
		"delegated": {pki.staple(t, leaf, delegate(x509.ExtKeyUsageOCSPSigning), nil), stapleGood, ""},
		"revoked": {pki.staple(t, leaf, nil, func(r *ocsp.Response) {
			r.Status, r.RevokedAt = ocsp.Revoked, time.Now().Add(-time.Hour)
		}), stapleRevoked, ""},
		"unknown":                {pki.staple(t, leaf, nil, func(r *ocsp.Response) { r.Status = ocsp.Unknown }), stapleUnknown, ""},
		"of another certificate": {pki.staple(t, other, nil, nil), stapleInvalid, "no response matching the supplied certificate"},
		"by a server's key":      {pki.staple(t, leaf, delegate(x509.ExtKeyUsageServerAuth), nil), stapleInvalid, "it is signed with a certificate that is not for OCSP"},
		"try later":              {[]byte{0x30, 3, 0x0a, 1, 3}, stapleInvalid, "ocsp: error from server: try later"},
		"by a stranger":          {pki.staple(t, leaf, &selfMade, nil), stapleInvalid, "it is signed by a responder of another issuer"},
		"noise":                  {[]byte("OCSP"), stapleInvalid, "it cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			served := leaf
			served.OCSPStaple = c.staple
			r := scan(t, pki.target(t, &tls.Config{Certificates: []tls.Certificate{served}}, nil))
			got := r.Certificates[0].Staple
			if got == nil || got.Status != c.want || got.Why != c.why {
				t.Fatalf("%+v, want %s %s", got, c.want, c.why)
			}
			if r.Grade.Letter == "T" != (c.want == stapleRevoked) {
				t.Errorf("grade %+v", r.Grade)
			}
			if hasFinding(r.Check(Profile{Name: "any"}), "ocsp") != (c.want != stapleGood) {
				t.Errorf("findings %+v", r.Check(Profile{Name: "any"}))
			}
		})
	}
}

// Times and issuer are judged here, so that a server's clock has no say.
func TestStapleOutOfTimeOrWithoutIssuer(t *testing.T) {
	pki := newTestPKI(t)
	leaf := pki.leaf(t, nil)
	raw := pki.staple(t, leaf, nil, nil)
	for hours, want := range map[int]string{-3: stapleInvalid, 0: stapleGood, 3: stapleInvalid} {
		if got := readStaple(raw, leaf.Leaf, pki.root.Leaf, time.Now().Add(time.Duration(hours)*time.Hour)); got.Status != want {
			t.Errorf("after %d hours: %+v", hours, got)
		}
	}
	if got := readStaple(raw, leaf.Leaf, nil, time.Now()); got.Status != stapleUnverified {
		t.Errorf("without the issuer: %+v", got)
	}
	if got := readStaple(raw, leaf.Leaf, newTestPKI(t).root.Leaf, time.Now()); got.Status != stapleInvalid {
		t.Errorf("another issuer: %+v", got)
	}
}

func TestSCTsInTheStaple(t *testing.T) {
	pki, a := newTestPKI(t), newTestLog(t, "A")
	now := time.Now()
	leaf := pki.leaf(t, nil)
	value, err := asn1.Marshal(vec(2, vec(2, a.sign(t, finalEntry(leaf.Leaf), now.Add(-time.Minute)))))
	if err != nil {
		t.Fatal(err)
	}
	leaf.OCSPStaple = pki.staple(t, leaf, nil, func(r *ocsp.Response) {
		r.ExtraExtensions = []pkix.Extension{{Id: oidStapledSCTs, Value: value}}
	})
	r := scan(t, pki.target(t, &tls.Config{Certificates: []tls.Certificate{leaf}}, logList(t, now, "usable", now, a)))
	if diff := cmp.Diff([]string{"A's log ocsp valid"}, verdicts(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestMustStapleWithoutAStaple(t *testing.T) {
	pki := newTestPKI(t)
	leaf := pki.leaf(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: oidTLSFeature, Value: []byte{0x30, 3, 2, 1, 5}}}
	})
	for name, staple := range map[string][]byte{"none": nil, "good": pki.staple(t, leaf, nil, nil)} {
		leaf.OCSPStaple = staple
		r := scan(t, pki.target(t, &tls.Config{Certificates: []tls.Certificate{leaf}}, nil))
		if !r.Certificates[0].MustStaple || hasFinding(r.Check(Profile{Name: "any"}), "ocsp") != (staple == nil) {
			t.Errorf("%s: %+v", name, r.Certificates[0])
		}
	}
}
