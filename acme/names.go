package acme

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"tlskeeper/internal/certname"
)

// Names folds what a user wrote into what a certificate holds: lower case,
// A-labels for Unicode, one form per IP address, no duplicates, the order
// kept. The first bad name comes back as *NameError.
func Names(written []string) ([]string, error) {
	var names []string
	for _, w := range written {
		name, err := foldName(w)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, &NameError{"", "a certificate needs at least one name"}
	}
	return names, nil
}

func foldName(written string) (string, error) {
	s := strings.TrimSuffix(strings.TrimSpace(written), ".")
	if addr, err := netip.ParseAddr(s); err == nil {
		if addr.Zone() != "" {
			return "", &NameError{written, "an address with a zone is known to one host only"}
		}
		return addr.Unmap().String(), nil
	}
	base, wildcard := strings.CutPrefix(s, "*.")
	ascii, err := idna.Lookup.ToASCII(base)
	if err != nil || strings.Contains(base, "*") {
		return "", &NameError{written, noName(base)}
	}
	if why := badName(ascii); why != "" {
		return "", &NameError{written, why}
	}
	if wildcard {
		ascii = "*." + ascii
	}
	return ascii, nil
}

// noName says why IDNA takes something for no name.
func noName(s string) string {
	_, rest, url := strings.Cut(s, "://")
	switch {
	case url:
		rest, _, _ = strings.Cut(rest, "/")
		return "it is an address of a page; the name alone is " + rest
	case strings.ContainsAny(s, "/@:"):
		return "it is more than a DNS name"
	case strings.Contains(s, "*"):
		return "a * stands only for the whole first label"
	}
	if why := badName(strings.ToLower(s)); why != "" {
		return why
	}
	return "it is not a DNS name"
}

// label is the letter-digit-hyphen rule (RFC 1123, section 2.1).
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

var digits = regexp.MustCompile(`^[0-9]+$`)

// badName says what is wrong with a name in A-labels, "" where nothing is.
func badName(name string) string {
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" {
			return "it has an empty label"
		}
		if !label.MatchString(l) {
			return "the label " + l + " is not of letters, digits and inner hyphens, at most 63"
		}
	}
	switch {
	case len(name) > 253: // RFC 1035, section 2.3.4
		return "it is longer than 253 bytes"
	case digits.MatchString(labels[len(labels)-1]):
		return "it looks like an address, but is none"
	}
	return ""
}

func checkCertName(name string) error {
	if why := certname.Problem(name); why != "" {
		return &NameError{name, "as the name of a certificate it " + why}
	}
	return nil
}

func isIP(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
