// Package term makes foreign text safe for a terminal and knows the
// terminal's size. It imports nothing of the project.
package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// defaultWidth is used where the output is not a terminal.
const defaultWidth = 80

// Escape returns s with everything that a terminal would obey, or that would
// reorder the line, written as \xhh or \u{hhhh}: C0 and C1 control bytes, DEL,
// bidirectional and other format characters, and bytes that are not UTF-8.
func Escape(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		writeRune(&b, r, s[i:i+n])
		i += n
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

const hexDigits = "0123456789abcdef"

func writeRune(b *strings.Builder, r rune, raw string) {
	switch {
	case r == utf8.RuneError && len(raw) == 1, r < ' ', r == 0x7f:
		// By hand: a foreign text may be nothing else, and fmt is slow.
		b.WriteString(`\x`)
		b.WriteByte(hexDigits[raw[0]>>4])
		b.WriteByte(hexDigits[raw[0]&15])
	case !unicode.IsPrint(r):
		fmt.Fprintf(b, `\u{%04x}`, r)
	default:
		b.WriteRune(r)
	}
}

// IsTerminal tells whether w is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the number of columns of w, or 80 where it is not one.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return defaultWidth
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return defaultWidth
	}
	return width
}
