package config

import (
	"strings"
	"testing"
)

func TestFaultySecondCAsAndChallenges(t *testing.T) {
	cert := "[[certificate]]\nnames = [\"a.org\"]\n"
	for name, c := range map[string]struct {
		text string
		line int
		says string
	}{
		"no CA":                {"[[fallback]]\ncaa = \"zerossl\"\n", 2, `unknown key "caa"`},
		"nothing":              {"[[fallback]]\neab_kid = \"a\"\neab_hmac_file = \"/f\"\n", 1, "needs a ca, or the directory"},
		"both":                 {"[[fallback]]\nca = \"zerossl\"\ndirectory = \"https://ca.org/\"\n", 1, "not both"},
		"unknown CA":           {"[[fallback]]\nca = \"zero\"\n", 2, `ca cannot be "zero"`},
		"itself":               {"[acme]\nca = \"google\"\n[[fallback]]\nca = \"google\"\n", 3, "the CA that [acme] has"},
		"half of EAB":          {"[[fallback]]\nca = \"zerossl\"\neab_kid = \"k\"\n", 3, "need each other"},
		"never":                {"[acme]\nfailover_after = 0\n", 2, "1 or more"},
		"key without CSR":      {cert + "csr_key = \"/k.pem\"\n", 3, "there is none"},
		"challenge for nobody": {cert + "[[challenge]]\nwebroot = \"/srv\"\n", 3, "needs the names"},
		"challenge nowhere":    {cert + "[[challenge]]\nnames = [\"a.org\"]\n", 3, "needs a webroot"},
		"name twice":           {cert + "[[challenge]]\nnames = [\"bücher.org\"]\nwebroot = \"/a\"\n[[challenge]]\nnames = [\"XN--bcher-kva.org\"]\nlisten = \":80\"\n", 7, "another [[challenge]]"},
		"no name":              {cert + "[[challenge]]\nnames = [\"a b\"]\nwebroot = \"/a\"\n", 4, "is not a DNS name"},
		"wildcard still http":  {"[[certificate]]\nnames = [\"a.org\", \"*.a.org\"]\n[[challenge]]\nnames = [\"*.a.org\"]\nwebroot = \"/a\"\n", 2, "wildcard"},
	} {
		_, problems := Parse("f", c.text, PathsUnder(""))
		if len(problems) == 0 {
			t.Errorf("%s: accepted", name)
			continue
		}
		if p := problems[0]; p.Line != c.line || !strings.Contains(p.Msg, c.says) {
			t.Errorf("%s: line %d, %q", name, p.Line, p.Msg)
		}
	}
}

func TestNamesInEveryForm(t *testing.T) {
	text := `[acme]
webroot = "/var/www/html"
profile = "shortlived"
profile_required = true

[[certificate]]
names = ["bücher.example", "192.0.2.7", "2001:db8::7", "*.bücher.example"]

[[certificate]]
names = ["b.example"]
profile_required = false

[[fallback]]
directory = "https://ca.example/dir"

[[challenge]]
names = ["*.BÜCHER.example"]
challenge = "dns-01"
dns_provider = "route53"
`
	cfg, problems := Parse("f", text, PathsUnder(""))
	for _, p := range problems {
		t.Fatal(p)
	}
	if own := cfg.ChallengeFor("*.xn--bcher-kva.example"); own == nil || own.DNSProvider != "route53" {
		t.Errorf("the wildcard's own challenge: %+v", own)
	}
	if own := cfg.ChallengeFor("bücher.example"); own != nil {
		t.Errorf("the bare name has the wildcard's challenge: %+v", own)
	}
	first, second := cfg.Certificates[0], cfg.Certificates[1]
	if first.Name != "xn--bcher-kva.example" || !first.NeedsProfile || second.NeedsProfile || second.Profile != "shortlived" {
		t.Errorf("%+v\n%+v", first, second)
	}
}
