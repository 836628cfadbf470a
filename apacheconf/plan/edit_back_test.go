package plan

import (
	"strings"
	"testing"

	"tlskeeper/apacheconf/conf"
)

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
		lines := []*conf.Node{{Line: spans[i].last}, {Line: spans[j].last}}
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
