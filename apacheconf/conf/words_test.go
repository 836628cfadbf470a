package conf

import (
	"strings"
	"testing"
)

// httpd's reading of arguments: quotes, escapes, blanks.
func TestWords(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]string{
		`a  "b c" 'd"e'`: {"a", "b c", `d"e`}, `"a\"b" c\d`: {`a"b`, `c\d`}, `"open`: {"open"}, ``: nil, `"" x`: {"", "x"},
	} {
		if got := (&Node{Args: args}).Words(); strings.Join(got, "|") != strings.Join(want, "|") || len(got) != len(want) {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// No dump makes the reader panic, and what it reads has a place.
func FuzzDump(f *testing.F) {
	f.Add("# In file: /a\n#   1:\n<VirtualHost *:443>\n  #   2:\n  ServerName a\n</VirtualHost>\n")
	f.Add("</X>\n<\n>\n# In file: macro 'x' (defined on line 1 of \"/a\") used on line 9 of \"/b\"\n# 1:\nX y\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, n := range Parse([]byte(text)) {
			n.Words()
			NamesOf(n)
		}
		ParseOwn([]byte(text), "/x", nil)
		ParseIncludes(text)
	})
}
