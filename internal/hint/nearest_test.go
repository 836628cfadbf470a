package hint

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"renew", "revoke", "query", "apache", "status"}
	for word, want := range map[string]string{
		"rennew": "renew", "qurey": "query", "apach": "apache", "stauts": "status", "xyzzy": "", "": "", "q": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
