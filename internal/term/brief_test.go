package term

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A CA may be as long-winded as it likes, and end in the middle of a word.
func TestBrief(t *testing.T) {
	long := strings.Repeat("a", briefBytes-1)
	for in, want := range map[string]string{
		"":                          "",
		"a\x1b[2J\u202eb":           `a\x1b[2J\u{202e}b`,
		long + "b":                  long + "b",
		long + "bc":                 long + "b...",
		long + "ü":                  long + "...",
		long[:len(long)-1] + "üx":   long[:len(long)-1] + "ü...",
		strings.Repeat("\xbf", 600): strings.Repeat(`\xbf`, briefBytes-4) + "...",
	} {
		if got := Brief(in); got != want {
			t.Errorf("Brief of %d bytes: %q, want %q", len(in), got, want)
		}
	}
	if got := Bound(strings.Repeat("ü", longBytes)); len(got) > longBytes+3 || !utf8.ValidString(got) || !strings.HasSuffix(got, "ü...") {
		t.Errorf("%d bytes: ...%q", len(got), got[len(got)-6:])
	}
}
