package probe

import (
	"fmt"
	"io"
	"strings"

	"tlskeeper/internal/term"
)

// Columns of what is printed: a name, then text that is broken between words,
// so that a line has at most 80 columns unless a word is longer than that.
const (
	nameColumn = 13
	textColumn = 80 - nameColumn
)

// layout prints rows of a name and a text. Everything is escaped: most of it
// comes from the server. The first error of the writer stays.
type layout struct {
	w   io.Writer
	err error
}

func (l *layout) row(name, format string, args ...any) {
	for i, line := range wrapped(term.Escape(fmt.Sprintf(format, args...)), textColumn) {
		if i > 0 {
			name = ""
		}
		l.print("%-*s%s\n", nameColumn, name, line)
	}
}

func (l *layout) print(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

// wrapped breaks a text between words; lines after the first are indented.
func wrapped(text string, width int) []string {
	const indent = "  "
	var lines []string
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = lead + word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			lead = strings.Repeat(" ", len(lead))
			line = lead + indent + word
		}
	}
	return append(lines, line)
}

// WriteFindings prints what Check found for a person.
func WriteFindings(w io.Writer, profile string, findings []Finding) error {
	l := &layout{w: w}
	l.print("profile %s: %s\n", term.Escape(profile), counted(len(findings), "finding"))
	for _, f := range findings {
		l.row("  "+f.ID, "%s", f.Found)
		l.row("", "  -> %s", f.Want)
	}
	return l.err
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
