package leaf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}

func leafTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"b.example", "a.example"}, IPAddresses: []net.IP{net.ParseIP("192.0.2.1")},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func TestLeafOfAnotherOrder(t *testing.T) {
	caKey, key, other := newKey(t), newKey(t), newKey(t)
	ca := sign(t, caTemplate("ca"), caTemplate("ca"), caKey.Public(), caKey)
	stranger := sign(t, caTemplate("ca"), caTemplate("ca"), other.Public(), other)
	want := Want{Names: []string{"a.example", "192.0.2.1", "b.example"}, PublicKey: key.Public(), Now: time.Now()}
	issue := func(change func(*x509.Certificate)) []*x509.Certificate {
		template := leafTemplate()
		change(template)
		return []*x509.Certificate{sign(t, template, ca, key.Public(), caKey), ca}
	}
	tests := map[string]struct {
		chain []*x509.Certificate
		says  string // "" where the chain is right
	}{
		"as ordered":     {issue(func(c *x509.Certificate) {}), ""},
		"no certificate": {nil, "empty"},
		"another key":    {[]*x509.Certificate{sign(t, leafTemplate(), ca, other.Public(), caKey), ca}, "another key"},
		"a name too few": {issue(func(c *x509.Certificate) { c.DNSNames = c.DNSNames[:1] }), "names 192.0.2.1, b.example, not"},
		"a name more":    {issue(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "evil.example") }), "evil.example"},
		"expired":        {issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "expired"},
		"of tomorrow":    {issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(10 * time.Minute) }), "not valid before"},
		"for clients":    {issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), "serverAuth"},
		"a CA":           {issue(func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), "CA's own"},
		"wrong issuer":   {[]*x509.Certificate{issue(func(*x509.Certificate) {})[0], stranger}, "not signed by the next"},
	}
	for name, test := range tests {
		err := Check(test.chain, want)
		if test.says == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: got %v, want words %q", name, err, test.says)
		}
	}
}

func TestKeyInAnOldForm(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey := newKey(t)
	sec1, _ := x509.MarshalECPrivateKey(ecKey)
	pkcs8, err := EncodeKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	params := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{5, 0}})
	for name, data := range map[string][]byte{
		"secp384r1": pkcs8,
		"rsa2048":   pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}),
	} {
		key, err := ParseKey(data)
		if err != nil || KeyType(key.Public()) != name {
			t.Errorf("%s: got %v, %v", name, key, err)
		}
	}
	if key, err := ParseKey(append(params, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...)); err != nil || !ecKey.Equal(key) {
		t.Errorf("openssl's form: got %v", err)
	}
	if _, err := ParseKey([]byte("nothing")); err == nil {
		t.Error("a file without a key was read")
	}
}

func TestChainWithForeignBlocks(t *testing.T) {
	caKey := newKey(t)
	ca := sign(t, caTemplate("ca"), caTemplate("ca"), caKey.Public(), caKey)
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	if chain, err := ParseChain(append([]byte("subject: x\n"), good...)); err != nil || len(chain) != 1 {
		t.Errorf("a chain with text: %v, %v", chain, err)
	}
	key, _ := EncodeKey(caKey)
	for name, data := range map[string][]byte{"a key in it": append(good, key...), "nothing in it": []byte("\n"), "garbage in it": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})} {
		if _, err := ParseChain(data); err == nil {
			t.Errorf("a chain with %s was accepted", name)
		}
	}
}

func TestSCTsCutShort(t *testing.T) {
	whole := []byte{0, 9, 0, 3, 'a', 'b', 'c', 0, 2, 'd', 'e'}
	if got := splitSCTs(whole); len(got) != 2 || string(got[1]) != "de" {
		t.Errorf("got %q", got)
	}
	for n := range whole {
		if got := splitSCTs(whole[:n]); got != nil {
			t.Errorf("%d bytes of %d: got %q", n, len(whole), got)
		}
	}
	caKey := newKey(t)
	template := caTemplate("with scts")
	value, _ := asn1.Marshal(whole)
	template.ExtraExtensions = []pkix.Extension{{Id: sctListOID, Value: value}}
	if got := SCTs(sign(t, template, template, caKey.Public(), caKey)); len(got) != 2 {
		t.Errorf("from a certificate: got %d", len(got))
	}
	if Fingerprint(sign(t, caTemplate("x"), caTemplate("x"), caKey.Public(), caKey)) == "" {
		t.Error("no fingerprint")
	}
}
