// Package certname is the rule for what a certificate may be called: the name
// becomes a directory of the store and the name of an Apache include. It
// imports nothing of ours, and everybody may import it.
package certname

import (
	"regexp"
	"strings"
)

var allowed = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)

// reserved is the name of the server-level file for Apache.
const reserved = "tlskeeper"

// Problem says why a name cannot be a certificate's, as the end of a sentence
// that begins with the name; "" where it can.
func Problem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > 200:
		return "is too long"
	case !allowed.MatchString(name):
		return "becomes a file name: letters, digits, dots, hyphens and underscores only"
	case name[0] == '.' || name[0] == '-':
		return "begins with a dot or a hyphen"
	case strings.Contains(name, "..") || strings.HasSuffix(name, "."):
		return "becomes a file name: no two dots in a row, and none at the end"
	case name == reserved:
		return "is taken: the server-level file for Apache is called that"
	}
	return ""
}
