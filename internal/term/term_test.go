package term

import (
	"bytes"
	"testing"
	"unicode"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":      "plain text",
		"Grüße":           "Grüße",
		"\x1b[2Jgone":     `\x1b[2Jgone`,
		"a\tb\r\n":        `a\x09b\x0d\x0a`,
		"\u009b31m":       `\u{009b}31m`,
		"a\u202eb":        `a\u{202e}b`,
		"bad \xff byte":   `bad \xff byte`,
		"\x7f":            `\x7f`,
		"\u200bzero":      `\u{200b}zero`,
		"back\\slash":     `back\slash`,
		"\x9b31m (raw)":   `\x9b31m (raw)`,
		"valid \ufffd ok": "valid \ufffd ok",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzEscapeLeavesNothingToObey(f *testing.F) {
	f.Add("\x1b]0;title\x07")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Escape(s) {
			if !unicode.IsPrint(r) {
				t.Errorf("%q lets %U through", s, r)
			}
		}
	})
}

func TestWidthOfABuffer(t *testing.T) {
	var b bytes.Buffer
	if IsTerminal(&b) || Width(&b) != 80 {
		t.Error("a buffer passed for a terminal")
	}
}
