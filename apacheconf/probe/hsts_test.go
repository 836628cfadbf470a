package probe

import "testing"

func TestHSTS(t *testing.T) {
	for value, want := range map[string]HSTS{
		"max-age=63072000":                    {Valid: true, MaxAge: 63072000},
		"max-age=63072000; includeSubDomains": {Valid: true, MaxAge: 63072000, IncludeSubDomains: true},
		`MAX-AGE="300" ; INCLUDESUBDOMAINS;`:  {Valid: true, MaxAge: 300, IncludeSubDomains: true},
		"max-age=1; preload; future=x":        {Valid: true, MaxAge: 1, Preload: true},
		"max-age=0":                           {Valid: true},
		"includeSubDomains":                   {IncludeSubDomains: true},
		"max-age=abc":                         {},
		"max-age=-5":                          {},
		"max-age":                             {},
		"":                                    {},
		"max-age=300; max-age=600":            {MaxAge: 600}, // no directive may appear twice
		"max-age=99999999999999999999999999":  {Valid: true, MaxAge: 9223372036854775807},
		"max-age=+5":                          {},
		"max-age=0x10":                        {},
		"max-age=3 00":                        {},
		`max-age="300`:                        {MaxAge: 300}, // the quote is not closed
		`max-age="3\00"`:                      {Valid: true, MaxAge: 300},
		`future="a;b"; max-age=300`:           {Valid: true, MaxAge: 300},
		`max-age="300" x`:                     {MaxAge: 300},
		"max-age=300; includeSubDomains=1":    {MaxAge: 300, IncludeSubDomains: true},
		"max-age=300, includeSubDomains":      {},
		"max age=300":                         {},
		"=300; max-age=5":                     {MaxAge: 5},
		" ; ;max-age=5; ":                     {Valid: true, MaxAge: 5},
	} {
		want.Raw, want.Headers = value, 1
		if got := parseHSTS([]string{value}); *got != want {
			t.Errorf("%q is %+v, want %+v", value, *got, want)
		}
	}
	if got := parseHSTS([]string{"max-age=5", "max-age=7"}); got.Headers != 2 || got.MaxAge != 5 {
		t.Errorf("two headers: %+v", got)
	}
	if parseHSTS(nil) != nil {
		t.Error("a header out of nothing")
	}
}
