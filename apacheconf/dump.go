package apacheconf

import (
	"bytes"
	"regexp"
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
	open            []*node
	top             []*node
}

// parseDump reads the effective configuration. The text may hold passwords
// and never goes into a message.
func parseDump(text []byte) []*node {
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
		n.section = true
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

// splitDirective splits at blanks and tabs, as server/util.c ap_getword_conf
// does.
func splitDirective(text string) (name, args string) {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

func (r *dumpReader) add(text string) *node {
	name, args := splitDirective(text)
	n := &node{name: name, args: strings.TrimSpace(args), file: r.file, line: r.line + r.offset, useFile: r.file, useLine: r.line}
	if r.useFile != "" {
		n.inMacro, n.useFile, n.useLine = true, r.useFile, r.useLine
	}
	if len(r.open) > 0 {
		parent := r.open[len(r.open)-1]
		parent.children = append(parent.children, n)
	} else {
		r.top = append(r.top, n)
	}
	return n
}

// parseOwn reads a file that we render ourselves into the same nodes, as httpd
// would with these modules. Our templates use no continuation lines.
func parseOwn(text []byte, file string, modules []string) []*node {
	r := &dumpReader{file: file}
	var skip, plain int // depth of false IfModules, and count of true ones left out
	for i, raw := range strings.Split(string(text), "\n") {
		line := strings.TrimSpace(raw)
		r.line = i + 1
		module, isIf := strings.CutPrefix(line, "<IfModule ")
		switch {
		case line == "" || line[0] == '#':
		case isIf && (skip > 0 || !hasModule(modules, strings.TrimSuffix(module, ">"))):
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

func hasModule(modules []string, name string) bool {
	for _, m := range modules {
		if m == name {
			return true
		}
	}
	return false
}
