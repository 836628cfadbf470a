package check

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/conf"
)

// An intermediate is there when it signed the leaf, not when some certificate
// stands behind the leaf.
func TestIntermediateIsTheIssuer(t *testing.T) {
	t.Parallel()
	var nobody *apachetest.Signer
	root := sign(t, nobody, "root", true)
	first := sign(t, root, "first", true)
	second := sign(t, first, "second", true)
	leaf := sign(t, second, "leaf", false)
	stranger := sign(t, nobody, "stranger", true)
	namesake := sign(t, nobody, "second", true) // of the same name, with another key
	direct := sign(t, root, "direct", false)
	selfMade := sign(t, nobody, "self", false)
	known := x509.NewCertPool()
	known.AddCert(root.Cert)
	for name, c := range map[string]struct {
		chain []*apachetest.Signer
		want  string // code and a word of the finding
	}{
		"whole":                            {[]*apachetest.Signer{leaf, second, first}, ""},
		"whole, and its root":              {[]*apachetest.Signer{leaf, second, first, root}, ""},
		"in another order":                 {[]*apachetest.Signer{leaf, first, second}, ""},
		"leaf twice":                       {[]*apachetest.Signer{leaf, leaf, second, first}, ""},
		"leaf alone":                       {[]*apachetest.Signer{leaf}, "no-intermediate the leaf alone"},
		"an unrelated root":                {[]*apachetest.Signer{leaf, stranger}, "no-intermediate CN=stranger"},
		"the wrong intermediate":           {[]*apachetest.Signer{leaf, first}, "no-intermediate CN=first"},
		"a namesake":                       {[]*apachetest.Signer{leaf, namesake}, "no-intermediate CN=second"},
		"whole, and an unrelated one":      {[]*apachetest.Signer{leaf, second, first, stranger}, "foreign-chain CN=stranger"},
		"signed by a root that is known":   {[]*apachetest.Signer{direct}, ""},
		"signed by itself":                 {[]*apachetest.Signer{selfMade}, ""},
		"signed by itself, and some other": {[]*apachetest.Signer{selfMade, stranger}, ""},
	} {
		var chain []*x509.Certificate
		for _, s := range c.chain {
			chain = append(chain, s.Cert)
		}
		got := judge(chain, conf.VHost{}, known, time.Now())
		code, word, _ := strings.Cut(c.want, " ")
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Code != code || !strings.Contains(got[0].What, word)) {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}

func sign(t *testing.T, by *apachetest.Signer, name string, isCA bool) *apachetest.Signer {
	t.Helper()
	s, err := by.Sign(name, isCA)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
