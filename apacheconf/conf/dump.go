package conf

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// inMacro is how mod_info names the place of a line that a macro made.
var inMacro = regexp.MustCompile(`^macro '.*' \(defined on line (\d+) of "(.*)"\) used on line (\d+) of "(.*)"$`)

// dumpReader builds nodes out of the text of `-D DUMP_CONFIG`: comment lines
// name file and line of the directive that follows. Source: mod_info.c.
type dumpReader struct {
	file, useFile   string
	offset, useLine int // a macro's first line, and the line of its use; else 0
	line            int
	open            []*Node
	top             []*Node
}

// Parse reads the effective configuration. The text may hold passwords
// and never goes into a message.
func Parse(text []byte) []*Node {
	r := &dumpReader{}
	for _, raw := range bytes.Split(text, []byte("\n")) {
		r.take(strings.TrimSpace(string(raw)))
	}
	return r.top
}

func (r *dumpReader) take(line string) {
	switch {
	case line == "":
	case strings.HasPrefix(line, "# In file: "):
		r.enter(strings.TrimPrefix(line, "# In file: "))
	case strings.HasPrefix(line, "#"):
		r.line, _ = strconv.Atoi(strings.Trim(line, "#: "))
	case strings.HasPrefix(line, "</"):
		if len(r.open) > 0 {
			r.open = r.open[:len(r.open)-1]
		}
	case strings.HasPrefix(line, "<"):
		n := r.add(strings.TrimSuffix(line[1:], ">"))
		n.Section = true
		r.open = append(r.open, n)
	default:
		r.add(line)
	}
}

func (r *dumpReader) enter(where string) {
	r.file, r.useFile, r.offset, r.useLine = where, "", 0, 0
	if m := inMacro.FindStringSubmatch(where); m != nil {
		r.file, r.useFile = m[2], m[4]
		r.offset, _ = strconv.Atoi(m[1])
		r.useLine, _ = strconv.Atoi(m[3])
	}
}

// SplitDirective splits at blanks and tabs, as server/util.c ap_getword_conf
// does.
func SplitDirective(text string) (name, args string) {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

func (r *dumpReader) add(text string) *Node {
	name, args := SplitDirective(text)
	n := &Node{Name: name, Args: strings.TrimSpace(args), File: r.file, Line: r.line + r.offset, UseFile: r.file, UseLine: r.line}
	if r.useFile != "" {
		n.InMacro, n.UseFile, n.UseLine = true, r.useFile, r.useLine
	}
	if len(r.open) > 0 {
		parent := r.open[len(r.open)-1]
		parent.Children = append(parent.Children, n)
	} else {
		r.top = append(r.top, n)
	}
	return n
}

// ParseOwn reads a file that we render ourselves into the same nodes, as httpd
// would with these modules. Our templates use no continuation lines.
func ParseOwn(text []byte, file string, modules []string) []*Node {
	r := &dumpReader{file: file}
	var skip, plain int // depth of false IfModules, and count of true ones left out
	for i, raw := range strings.Split(string(text), "\n") {
		line := strings.TrimSpace(raw)
		r.line = i + 1
		module, isIf := strings.CutPrefix(line, "<IfModule ")
		switch {
		case line == "" || line[0] == '#':
		case isIf && (skip > 0 || !slices.Contains(modules, strings.TrimSuffix(module, ">"))):
			skip++
		case isIf:
			plain++
		case line == "</IfModule>" && skip > 0:
			skip--
		case line == "</IfModule>":
			plain--
		case skip == 0:
			r.take(line)
		}
	}
	return r.top
}

// AtLeast compares dotted version numbers.
func AtLeast(have, want string) bool {
	h, w := strings.Split(have, "."), strings.Split(want, ".")
	for i := range w {
		if i >= len(h) {
			return false
		}
		a, _ := strconv.Atoi(h[i])
		b, _ := strconv.Atoi(w[i])
		if a != b {
			return a > b
		}
	}
	return true
}
