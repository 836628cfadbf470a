package conf

import "strings"

// Allows evaluates an SSLProtocol line as mod_ssl does: words from the left,
// with + and -, a bare word alone being a list of its own.
func Allows(line, protocol string) bool {
	on := false
	for word := range strings.FieldsSeq(line) {
		name := strings.TrimLeft(word, "+-")
		hit := strings.EqualFold(name, "all") || strings.EqualFold(name, protocol)
		switch {
		case strings.HasPrefix(word, "-"):
			on = on && !hit
		case strings.HasPrefix(word, "+"):
			on = on || hit
		default:
			on = hit
		}
	}
	return on
}
