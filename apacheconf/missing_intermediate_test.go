package apacheconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/conf"
)

// signer is a certificate that may sign others.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// sign makes a certificate of this name, signed by the receiver, or by itself
// where there is none.
func (s *signer) sign(t *testing.T, name string, isCA bool) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: isCA, BasicConstraintsValid: true}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	out := &signer{key: key}
	parent := s
	if s == nil {
		parent = &signer{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	must(err)
	out.cert, err = x509.ParseCertificate(der)
	must(err)
	return out
}

// An intermediate is there when it signed the leaf, not when some certificate
// stands behind the leaf.
func TestIntermediateIsTheIssuer(t *testing.T) {
	t.Parallel()
	var nobody *signer
	root := nobody.sign(t, "root", true)
	first := root.sign(t, "first", true)
	second := first.sign(t, "second", true)
	leaf := second.sign(t, "leaf", false)
	stranger := nobody.sign(t, "stranger", true)
	namesake := nobody.sign(t, "second", true) // of the same name, with another key
	direct := root.sign(t, "direct", false)
	selfMade := nobody.sign(t, "self", false)
	known := x509.NewCertPool()
	known.AddCert(root.cert)
	for name, c := range map[string]struct {
		chain []*signer
		want  string // code and a word of the finding
	}{
		"whole":                            {[]*signer{leaf, second, first}, ""},
		"whole, and its root":              {[]*signer{leaf, second, first, root}, ""},
		"in another order":                 {[]*signer{leaf, first, second}, ""},
		"leaf twice":                       {[]*signer{leaf, leaf, second, first}, ""},
		"leaf alone":                       {[]*signer{leaf}, "no-intermediate the leaf alone"},
		"an unrelated root":                {[]*signer{leaf, stranger}, "no-intermediate CN=stranger"},
		"the wrong intermediate":           {[]*signer{leaf, first}, "no-intermediate CN=first"},
		"a namesake":                       {[]*signer{leaf, namesake}, "no-intermediate CN=second"},
		"whole, and an unrelated one":      {[]*signer{leaf, second, first, stranger}, "foreign-chain CN=stranger"},
		"signed by a root that is known":   {[]*signer{direct}, ""},
		"signed by itself":                 {[]*signer{selfMade}, ""},
		"signed by itself, and some other": {[]*signer{selfMade, stranger}, ""},
	} {
		var chain []*x509.Certificate
		for _, s := range c.chain {
			chain = append(chain, s.cert)
		}
		got := judge(chain, conf.VHost{}, known, time.Now())
		code, word, _ := strings.Cut(c.want, " ")
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Code != code || !strings.Contains(got[0].What, word)) {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}

// The old directive for intermediates counts, when it names the right ones.
func TestIntermediateInAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	var nobody *signer
	root := nobody.sign(t, "root", true)
	middle := root.sign(t, "middle", true)
	leaf := middle.sign(t, "leaf", false)
	for word, holds := range map[string]*signer{"": middle, "CN=root": root} {
		r := makeRig(t, "")
		file := func(name, kind string, der []byte) string {
			path := filepath.Join(r.dir, name)
			must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
			return path
		}
		key, err := x509.MarshalECPrivateKey(leaf.key)
		must(err)
		r.writeSites(fmt.Sprintf("<VirtualHost %s>\nServerName a.test\nSSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\nSSLCertificateChainFile %s\n</VirtualHost>\n",
			r.a.Addr(), file("leaf.pem", "CERTIFICATE", leaf.cert.Raw), file("key.pem", "EC PRIVATE KEY", key), file("chain.pem", "CERTIFICATE", holds.cert.Raw)))
		_, p := r.plan(Change{Profile: "intermediate"})
		found := slices.DeleteFunc(p.Warnings, func(f conf.Finding) bool { return f.Code != "no-intermediate" })
		if word == "" && len(found) > 0 || word != "" && (len(found) != 1 || !strings.Contains(found[0].What, word)) {
			t.Errorf("chain file with %s: %v", holds.cert.Subject, found)
		}
	}
}
