package plan

import (
	"bytes"
	"fmt"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/templates"
)

// adoptEdit works out the one edit that puts our include into a virtual host:
// its certificate lines become one Include. Nothing else of the file changes.
// A finding instead of an edit says why a person has to do it.
func adoptEdit(s *httpd.Server, v conf.VHost, name string, text []byte) (Adoption, *conf.Finding) {
	include, err := templates.Quote(SitePath(s.Config, name))
	if err != nil {
		return Adoption{}, &conf.Finding{Code: "path", What: err.Error()}
	}
	var lines []*conf.Node
	for _, n := range v.Node.Children {
		if conf.IsCertificate(n) && n.File != SitePath(s.Config, name) {
			lines = append(lines, n)
		}
	}
	if why := uneditable(s, v, lines); why != nil {
		why.Fix = "Include " + include
		return Adoption{}, why
	}
	edit := cut(lines, logicalSpans(text), "Include "+include, text)
	edit.Name, edit.VHost = name, v.Name()
	for _, n := range lines {
		edit.Lines = append(edit.Lines, n.Text())
	}
	if file := httpd.Resolved(v.File); file != edit.File {
		edit.HostFile = file
	}
	return edit, nil
}

// uneditable: a certificate line that also serves another virtual host (a
// macro, a shared include) is not ours to change.
func uneditable(s *httpd.Server, v conf.VHost, lines []*conf.Node) *conf.Finding {
	if len(lines) == 0 {
		return &conf.Finding{Code: "adopt", File: v.File, Line: v.Line, VHost: v.Name(), What: "has no certificate line that could be replaced; put the Include into this section"}
	}
	for _, n := range lines {
		if n.InMacro || n.File != lines[0].File {
			return &conf.Finding{Code: "adopt", File: n.File, Line: n.Line, VHost: v.Name(), What: "the certificate line is in a macro or spread over files; replace it by hand"}
		}
		for _, other := range s.VHosts {
			if other.Node == v.Node {
				continue
			}
			for _, m := range other.Node.Children {
				if m.File == n.File && m.Line == n.Line {
					return &conf.Finding{Code: "adopt", File: n.File, Line: n.Line, VHost: v.Name(), What: "the certificate line also serves " + other.Name() + "; replace it by hand"}
				}
			}
		}
	}
	return nil
}

// span is where a logical line stands in the bytes of a file.
type span struct{ from, to, first, last int }

func logicalSpans(text []byte) []span {
	var out []span
	from, open := 0, false
	for n := 1; from < len(text); n++ {
		to := len(text)
		if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
			to = from + i + 1
		}
		if open {
			out[len(out)-1].to, out[len(out)-1].last = to, n
		} else {
			out = append(out, span{from, to, n, n})
		}
		open = bytes.HasSuffix(bytes.TrimRight(text[from:to], "\r\n"), []byte(`\`))
		from = to
	}
	return out
}

// cut builds the edit: the first certificate line becomes include with the
// same indentation and line end, the others go, what lies between stays. The
// region grows upwards until it is unique in the file, so that it can be found
// again by its text.
func cut(lines []*conf.Node, spans []span, include string, text []byte) Adoption {
	drop := map[int]bool{}
	for _, n := range lines {
		drop[n.Line] = true
	}
	first, end := -1, 0
	for i, sp := range spans {
		if drop[sp.last] {
			end = i
			if first < 0 {
				first = i
			}
		}
	}
	for from := max(first, 0); ; from-- {
		old, next := replaceLines(text, spans[from:end+1], drop, include)
		result := strings.Replace(string(text), old, next, 1)
		if from == 0 || strings.Count(string(text), old) == 1 && strings.Count(result, next) == 1 {
			return Adoption{File: httpd.Resolved(lines[0].File), Old: old, New: next}
		}
	}
}

func replaceLines(text []byte, spans []span, drop map[int]bool, include string) (old, next string) {
	var was, is strings.Builder
	begun := false
	for _, sp := range spans {
		line := string(text[sp.from:sp.to])
		was.WriteString(line)
		switch {
		case !drop[sp.last]:
			is.WriteString(line)
		case !begun:
			begun = true
			is.WriteString(indentOf(line) + include + lineEnd(line))
		}
	}
	return was.String(), is.String()
}

func indentOf(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

func lineEnd(line string) string {
	return line[len(strings.TrimRight(line, "\r\n")):]
}

// applyEdit replaces old by new, which must stand there once. The place is
// found by its text, so other edits of the same file may come and go.
func applyEdit(text []byte, old, next string) ([]byte, error) {
	if bytes.Count(text, []byte(old)) != 1 {
		return nil, fmt.Errorf("the text to replace is not there, or more than once: %.80q", old)
	}
	return bytes.Replace(text, []byte(old), []byte(next), 1), nil
}
