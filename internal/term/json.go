package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// EscapeJSON returns text, which encoding/json wrote, harmless for a terminal:
// the C1, format and other characters that encoding/json lets through become
// \uXXXX (two of them beyond U+FFFF, RFC 8259 section 7), which means the same
// to a program. Line breaks between the values stay.
func EscapeJSON(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
