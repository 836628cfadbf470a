// Package dnsname is the rule for what can be a name in a certificate: a DNS
// name, a wildcard or an IP address, as users write them and as certificates
// hold them. It imports nothing of ours, and everybody may import it.
package dnsname

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Error says that a name cannot be in a certificate.
type Error struct{ Name, Why string }

func (e *Error) Error() string { return fmt.Sprintf("name %q: %s", e.Name, e.Why) }

// FoldAll is Fold for each name, without duplicates, the order kept. No name
// at all is an *Error too.
func FoldAll(written []string) ([]string, error) {
	var names []string
	for _, w := range written {
		name, err := Fold(w)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, &Error{"", "a certificate needs at least one name"}
	}
	return names, nil
}

// Fold makes of what a user wrote what a certificate holds: lower case,
// A-labels for Unicode (RFC 5891), one form per IP address, no dot at the end.
// What can be in no certificate is an *Error.
func Fold(written string) (string, error) {
	s := strings.TrimSuffix(strings.TrimSpace(written), ".")
	if addr, err := netip.ParseAddr(s); err == nil {
		if addr.Zone() != "" {
			return "", &Error{written, "an address with a zone is known to one host only"}
		}
		return addr.Unmap().String(), nil
	}
	base, wildcard := strings.CutPrefix(s, "*.")
	ascii, err := idna.Lookup.ToASCII(base)
	why := ""
	if err != nil || strings.Contains(base, "*") {
		why = problemWritten(base)
	} else {
		why = problemFolded(ascii)
	}
	if why != "" {
		return "", &Error{written, why}
	}
	if wildcard {
		ascii = "*." + ascii
	}
	return ascii, nil
}

// Problem says why a name can be in no certificate, "" where it can.
func Problem(written string) string {
	if _, err := Fold(written); err != nil {
		return err.(*Error).Why
	}
	return ""
}

// IsAddress tells whether a folded name is an IP address.
func IsAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// problemWritten says why IDNA takes something for no name.
func problemWritten(s string) string {
	_, rest, url := strings.Cut(s, "://")
	switch {
	case url:
		rest, _, _ = strings.Cut(rest, "/")
		return "it is a URL; the name alone is " + rest
	case strings.ContainsAny(s, " ,;\t\n"):
		return "it is not a DNS name: each name is a text of its own"
	case strings.ContainsAny(s, "/@:"):
		return "it is more than a DNS name"
	case strings.Contains(s, "*"):
		return "a * stands only for the whole first label (RFC 6125, 6.4.3)"
	}
	if why := problemFolded(strings.ToLower(s)); why != "" {
		return why
	}
	return "it is not a DNS name"
}

// problemFolded says what is wrong with a name in A-labels, "" where nothing
// is.
func problemFolded(name string) string {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if why := problemOfLabel(label); why != "" {
			return "it is not a DNS name: " + why
		}
	}
	switch last := labels[len(labels)-1]; {
	case len(name) > 253: // RFC 1035, section 2.3.4, as text without the last dot
		return "it is not a DNS name: it is longer than 253 bytes"
	case strings.Trim(last, "0123456789") == "":
		return "it looks like an address, but is not one"
	}
	return ""
}

// problemOfLabel is the letter-digit-hyphen rule (RFC 1123, section 2.1).
func problemOfLabel(label string) string {
	switch {
	case label == "":
		return "it has an empty label"
	case len(label) > 63:
		return fmt.Sprintf("the label %q is longer than 63 characters", label)
	case strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Sprintf("the label %q may hold only letters, digits and hyphens", label)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Sprintf("the label %q begins or ends with a hyphen", label)
	}
	return ""
}
