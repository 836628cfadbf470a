package dnsname

import (
	"slices"
	"strings"
	"testing"
)

// Each bad name is refused with what is wrong with it.
func TestBadNamesSayWhy(t *testing.T) {
	for name, want := range map[string]string{
		"":                                "empty label",
		"a b.org":                         "each name is a text of its own",
		"a.org,b.org":                     "each name is a text of its own",
		"a_b.org":                         `label "a_b" may hold only letters`,
		"http://www.example.org/x":        "the name alone is www.example.org",
		"www.example.org:443":             "more than a DNS name",
		"*.*.org":                         "a * stands only for the whole first label",
		"w*.example.org":                  "a * stands only for the whole first label",
		"a..org":                          "empty label",
		"-a.org":                          `label "-a" begins or ends with a hyphen`,
		strings.Repeat("a", 64):           "longer than 63",
		"192.0.2.256":                     "looks like an address",
		"fe80::1%eth0":                    "with a zone",
		"\x1b[2J.org":                     `label "\x1b[2j" may hold only letters`,
		"xn--a.org":                       "not a DNS name",
		strings.Repeat("a.", 127) + "org": "longer than 253",
	} {
		_, err := FoldAll([]string{name})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

// Two ways to write a name are one name, and one that is folded stays as it is.
func TestFold(t *testing.T) {
	for written, want := range map[string]string{
		"WWW.Example.ORG": "www.example.org", " example.org. ": "example.org", "müller.example": "xn--mller-kva.example",
		"*.Müller.example": "*.xn--mller-kva.example", "2001:DB8:0::1": "2001:db8::1", "::ffff:192.0.2.1": "192.0.2.1", "intranet": "intranet",
	} {
		got, err := Fold(written)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", written, got, err)
		}
		if again, err := Fold(got); err != nil || again != got {
			t.Errorf("%q again: %q, %v", got, again, err)
		}
		if address := want == "2001:db8::1" || want == "192.0.2.1"; IsAddress(got) != address {
			t.Errorf("%s is an address: %v", got, !address)
		}
	}
	names, err := FoldAll([]string{"b.org", "A.org", "a.org."})
	if err != nil || strings.Join(names, " ") != "b.org a.org" {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := FoldAll(nil); err == nil {
		t.Error("no name at all passes")
	}
}

func TestNamesAsPeopleWriteThem(t *testing.T) {
	got, err := FoldAll([]string{"WWW.Example.org.", "www.example.org", "bücher.example", "xn--bcher-kva.example", " *.example.org", "192.0.2.1", "2001:DB8:0::1"})
	want := []string{"www.example.org", "xn--bcher-kva.example", "*.example.org", "192.0.2.1", "2001:db8::1"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}
