package apacheconf

import (
	"fmt"
	"strings"
)

// node is one directive, or one section with what is in it, of the effective
// configuration: Include, IfModule, Define and Macro are resolved already.
type node struct {
	name     string // as written
	args     string // the rest of the line, raw
	file     string
	line     int
	section  bool
	inMacro  bool   // file and line are those of the macro's definition
	useFile  string // where the macro was used; else same as file
	useLine  int
	children []*node
}

func (n *node) is(name string) bool { return strings.EqualFold(n.name, name) }
func (n *node) place() string       { return fmt.Sprintf("%s:%d", n.file, n.line) }
func (n *node) text() string        { return strings.TrimSpace(n.name + " " + n.args) }

// words splits the arguments as httpd does (server/util.c, ap_getword_conf).
func (n *node) words() []string {
	var out []string
	rest := strings.TrimSpace(n.args)
	for rest != "" {
		var w string
		w, rest = nextWord(rest)
		out = append(out, w)
	}
	return out
}

// arg is the i-th argument, "" where there is none.
func (n *node) arg(i int) string {
	if words := n.words(); i < len(words) {
		return words[i]
	}
	return ""
}

func nextWord(s string) (word, rest string) {
	if quote := s[0]; quote == '"' || quote == '\'' {
		return quotedWord(s[1:], quote)
	}
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimLeft(s[end:], " \t")
}

func quotedWord(s string, quote byte) (word, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), strings.TrimLeft(s[i+1:], " \t")
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == quote):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// last finds the directive that wins among nodes: the last one by that name.
func last(nodes []*node, name string) *node {
	for i := len(nodes) - 1; i >= 0; i-- {
		if nodes[i].is(name) && !nodes[i].section {
			return nodes[i]
		}
	}
	return nil
}

// all finds every directive of that name, in order, sections not searched.
func all(nodes []*node, name string) []*node {
	var out []*node
	for _, n := range nodes {
		if n.is(name) {
			out = append(out, n)
		}
	}
	return out
}
