package acme

import (
	"strings"
	"testing"
)

// Each bad name is refused with what is wrong with it.
func TestBadNamesSayWhy(t *testing.T) {
	for name, want := range map[string]string{
		"a b.org":                         `label a b is not of letters`,
		"a_b.org":                         `label a_b is not of letters`,
		"http://www.example.org/x":        "the name alone is www.example.org",
		"www.example.org:443":             "more than a DNS name",
		"*.*.org":                         "a * stands only for the whole first label",
		"w*.example.org":                  "a * stands only for the whole first label",
		"a..org":                          "empty label",
		"-a.org":                          "label -a is not",
		strings.Repeat("a", 64):           "at most 63",
		"192.0.2.256":                     "looks like an address",
		"\x1b[2J.org":                     "is not of letters",
		"xn--a.org":                       "not a DNS name",
		strings.Repeat("a.", 127) + "org": "longer than 253",
		"":                                "empty label",
	} {
		_, err := Names([]string{name})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
