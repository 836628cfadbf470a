package cmdline

import (
	"fmt"
	"strings"

	"tlskeeper/internal/term"
)

// UsageError is a mistake on the command line.
type UsageError struct{ msg string }

func (e UsageError) Error() string { return e.msg }

// Usagef makes a UsageError of a text in the manner of fmt.Sprintf.
func Usagef(format string, args ...any) error {
	return UsageError{fmt.Sprintf(format, args...)}
}

// EscapeLines keeps the line breaks of a message that quotes another
// program's words, and nothing else that a terminal would obey.
func EscapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = term.Escape(l)
	}
	return strings.Join(lines, "\n")
}
