package config

import (
	"strings"
	"testing"

	"tlskeeper/internal/dnsname"
)

func TestNames(t *testing.T) {
	for _, good := range []string{"example.org", "*.example.org", "müller.example", "xn--mller-kva.example", "WWW.Example.ORG", "192.0.2.1", "2001:db8::1", "intranet", "a-b.c1.org", "a.org."} {
		if why := dnsname.Problem(good); why != "" {
			t.Errorf("%s: %s", good, why)
		}
	}
	long := strings.Repeat("a", 64)
	for _, bad := range []string{"", ".", "a..b", "-a.org", "a-.org", "a_b.org", "a b", "http://a.org", "a.123", "*", "a.*.org", long + ".org", "a.org/", "a.org:443", "fe80::1%eth0", "a\n.org", "$(id).org", strings.Repeat("abcdefg.", 40) + "org"} {
		if dnsname.Problem(bad) == "" {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzLineTable(f *testing.F) {
	f.Add(Example)
	f.Add("[[a]]\nb = \"\"\"x\n\"\"\"\nc = ['''\n''']\n")
	f.Fuzz(func(_ *testing.T, text string) {
		lineTable(text)
		parse("FILE", text, PathsUnder(""), noEnv)
	})
}
