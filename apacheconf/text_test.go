package apacheconf

import (
	"strings"
	"testing"

	"tlskeeper/internal/filechange"
)

// A diff of a file with escape sequences in it is safe to print.
func TestDiffIsEscaped(t *testing.T) {
	t.Parallel()
	p := &Plan{Files: []filechange.Change{{Path: "/x", Old: &filechange.State{Data: []byte("\x1b[2J\tb\n")}}}}
	if got := p.Diff(); strings.Contains(got, "\x1b") || !strings.Contains(got, `-\x1b[2J`+"\tb") {
		t.Errorf("%q", got)
	}
}

// httpd's reading of arguments: quotes, escapes, blanks.
func TestWords(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]string{
		`a  "b c" 'd"e'`: {"a", "b c", `d"e`}, `"a\"b" c\d`: {`a"b`, `c\d`}, `"open`: {"open"}, ``: nil, `"" x`: {"", "x"},
	} {
		if got := (&node{args: args}).words(); strings.Join(got, "|") != strings.Join(want, "|") || len(got) != len(want) {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// No dump makes the reader panic, and what it reads has a place.
func FuzzDump(f *testing.F) {
	f.Add("# In file: /a\n#   1:\n<VirtualHost *:443>\n  #   2:\n  ServerName a\n</VirtualHost>\n")
	f.Add("</X>\n<\n>\n# In file: macro 'x' (defined on line 1 of \"/a\") used on line 9 of \"/b\"\n# 1:\nX y\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, n := range parseDump([]byte(text)) {
			n.words()
			vhostNames(n)
		}
		parseOwn([]byte(text), "/x", nil)
		parseIncludes(text)
	})
}

// Taking an edit back gives the old bytes, whatever stands around it.
func FuzzEditAndBack(f *testing.F) {
	f.Add("a\nSSLCertificateFile x\nb\n", 1, 1)
	f.Add("x\nx\nx", 0, 2)
	f.Add("a\\\nb\r\nc", 0, 1)
	f.Fuzz(func(t *testing.T, text string, i, j int) {
		spans := logicalSpans([]byte(text))
		if i < 0 || j < 0 || i >= len(spans) || j >= len(spans) || strings.Contains(text, "Include ") {
			return
		}
		lines := []*node{{line: spans[i].last}, {line: spans[j].last}}
		edit := cut(lines, spans, `Include "/etc/tlskeeper/apache/a.conf"`, []byte(text))
		edited, err := applyEdit([]byte(text), edit.Old, edit.New)
		if err != nil {
			return // not unique even as a whole: refused
		}
		back, err := applyEdit(edited, edit.New, edit.Old)
		if err != nil || string(back) != text {
			t.Fatalf("%q -> %q -> %q, %v", text, edited, back, err)
		}
	})
}
