package probe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// apache starts a real Apache with an ECDSA and an RSA certificate for
// example.test, a second site with one of its own, and a redirect on the plain
// port.
type apache struct {
	Target
	ecdsa, rsa, other apachetest.Pair
}

func startApache(t testing.TB, global, site string) apache {
	t.Helper()
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	var a apache
	for pair, leaf := range map[*apachetest.Pair]apachetest.Leaf{
		&a.ecdsa: {Names: []string{"example.test"}},
		&a.rsa:   {Names: []string{"example.test"}, KeyType: "rsa2048"},
		&a.other: {Names: []string{"other.test"}},
	} {
		if *pair, err = ca.Issue(t.TempDir(), leaf); err != nil {
			t.Fatal(err)
		}
	}
	second := fmt.Sprintf("  SSLCertificateFile %q\n  SSLCertificateKeyFile %q\n", a.rsa.CertFile, a.rsa.KeyFile)
	server := apachetest.Start(t, apachetest.Options{Global: global, VHosts: []apachetest.VHost{
		{Name: "example.test", CertFile: a.ecdsa.CertFile, KeyFile: a.ecdsa.KeyFile, Body: second + site},
		{Name: "other.test", CertFile: a.other.CertFile, KeyFile: a.other.KeyFile},
		{Name: "example.test", Plain: true, Body: "  Redirect 308 / https://example.test/\n"},
	}})
	a.Target = Target{Addr: server.Addr(), SNI: "example.test", Roots: ca.Roots(), HTTPAddr: server.PlainAddr()}
	return a
}

const hsts = "Header always set Strict-Transport-Security max-age=63072000 \"expr=%{HTTPS} == 'on'\"\n"

func TestScanOfAHardenedApache(t *testing.T) {
	ciphers := []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
		"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"}
	a := startApache(t, "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1\nSSLCipherSuite "+strings.Join(ciphers, ":")+
		"\nSSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1\nSSLSessionTickets off\n"+hsts, "")
	r := scan(t, a.Target)
	if r.Grade.Letter != "A+" || r.Grade.Score != 93 {
		t.Errorf("grade %+v", r.Grade)
	}
	profile, err := NewProfile("intermediate", "all -SSLv3 -TLSv1 -TLSv1.1", ciphers, strings.Fields(good13),
		[]string{"X25519MLKEM768", "X25519", "prime256v1", "secp384r1"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if findings := r.Check(profile); len(findings) > 0 {
		t.Errorf("findings %+v", findings)
	}
	if got := len(r.version(0x0303).Suites); got != len(ciphers) {
		t.Errorf("%d suites of TLS 1.2", got)
	}
	if len(r.Certificates) != 2 || len(r.Groups) != 3 || !r.Redirect.ToHTTPS || answer(r.Features.Tickets12) != "no" {
		t.Errorf("report %+v", r)
	}
	if len(r.Notes) > 0 {
		t.Errorf("notes %q", r.Notes)
	}
}

func TestScanOfTheSeedsApache(t *testing.T) {
	a := startApache(t, "SSLProtocol all -SSLv3\nSSLHonorCipherOrder on\nSSLOpenSSLConfCmd Curves secp384r1\n"+
		"SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA\n", "")
	r := scan(t, a.Target)
	v := r.version(0x0303)
	var names []string
	for _, s := range v.Suites {
		names = append(names, s.OpenSSL)
	}
	want := []string{"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA"}
	if v.Order != "server" || !slices.Equal(names, want) {
		t.Errorf("%s's order, suites %v", v.Order, names)
	}
	if len(r.Groups) != 1 || r.Groups[0].Name != "secp384r1" || !r.Groups[0].TLS12 || !r.Groups[0].TLS13 {
		t.Errorf("groups %+v", r.Groups)
	}
}

func TestLeafOfApache(t *testing.T) {
	for name, c := range map[string]struct{ global, site string }{
		"both versions":               {"SSLProtocol all -SSLv3\n", ""},
		"only TLS 1.3":                {"SSLProtocol -all +TLSv1.3\n", ""},
		"only P-384":                  {"SSLProtocol -all +TLSv1.3\nSSLOpenSSLConfCmd Curves secp384r1\n", ""},
		"client certificate demanded": {"SSLProtocol -all +TLSv1.2\n", "  SSLVerifyClient require\n"},
	} {
		t.Run(name, func(t *testing.T) {
			a := startApache(t, c.global, c.site)
			for family, want := range map[string]apachetest.Pair{"ecdsa": a.ecdsa, "rsa": a.rsa} {
				leaf, _, err := Leaf(t.Context(), a.Target, family)
				if err != nil || !leaf.Equal(want.Leaf) {
					t.Errorf("family %s: %v", family, err)
				}
			}
			a.SNI = "other.test"
			if leaf, _, err := Leaf(t.Context(), a.Target, "ecdsa"); err != nil || !leaf.Equal(a.other.Leaf) {
				t.Errorf("other.test: %v", err)
			}
			a.SNI = ""
			if leaf, _, err := Leaf(t.Context(), a.Target, "ecdsa"); err != nil || !leaf.Equal(a.ecdsa.Leaf) {
				t.Errorf("no SNI: %v", err)
			}
		})
	}
}
