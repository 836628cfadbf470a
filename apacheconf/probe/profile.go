package probe

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is a policy that a report is checked against. An empty list allows
// everything of its kind.
type Profile struct {
	Name string
	// Versions that may be supported, and must be where Required says so,
	// named as in Report.
	Versions []string
	Required []string
	// Suites of all versions, by OpenSSL's name or IANA's.
	Suites12, Suites13 []string
	// Groups by IANA's or OpenSSL's name; case does not matter.
	Groups []string
	// ServerOrder wants the server to choose the suite. That it chooses where
	// the profile leaves it to the client is no finding.
	ServerOrder bool
}

// NewProfile makes a profile from what an Apache configuration says: the
// arguments of SSLProtocol, both lists of SSLCipherSuite, and the groups.
func NewProfile(name, protocol string, suites12, suites13, groups []string, serverOrder bool) (Profile, error) {
	versions, err := protocolVersions(protocol)
	if err != nil {
		return Profile{}, fmt.Errorf("profile %s: %w", name, err)
	}
	p := Profile{Name: name, Versions: versions, Suites12: suites12, Suites13: suites13, Groups: groups, ServerOrder: serverOrder}
	if slices.Contains(versions, "TLSv1.3") {
		p.Required = []string{"TLSv1.3"}
	}
	return p, nil
}

// protocolVersions reads SSLProtocol as mod_ssl does: a word without a sign
// replaces the set (ssl_cmd_protocol_parse).
func protocolVersions(protocol string) ([]string, error) {
	var set []string
	for _, word := range strings.Fields(protocol) {
		sign, name := "", word
		if strings.HasPrefix(word, "+") || strings.HasPrefix(word, "-") {
			sign, name = word[:1], word[1:]
		}
		named, err := versionsNamed(name)
		if err != nil {
			return nil, err
		}
		switch sign {
		case "-":
			set = slices.DeleteFunc(set, func(v string) bool { return slices.Contains(named, v) })
		case "+":
			set = append(set, named...)
		default:
			set = named
		}
	}
	return set, nil
}

// versionsNamed are the versions of one word; "all" has no SSLv3, which no
// OpenSSL in use can speak.
func versionsNamed(name string) ([]string, error) {
	if strings.EqualFold(name, "SSLv2") {
		return nil, nil
	}
	var all []string
	for _, v := range versionNames {
		if strings.EqualFold(v.name, name) {
			return []string{v.name}, nil
		}
		if v.code != versionSSL30 {
			all = append(all, v.name)
		}
	}
	if strings.EqualFold(name, "all") {
		return all, nil
	}
	return nil, fmt.Errorf("unknown protocol %q", name)
}

func (p Profile) allows(s Suite) bool {
	list := p.Suites12
	if s.tls13() {
		list = p.Suites13
	}
	return len(list) == 0 || slices.Contains(list, s.OpenSSL) || slices.Contains(list, s.Name)
}

// suitesOf is what the profile allows in a version.
func (p Profile) suitesOf(v Version) []string {
	if v.Name == "TLSv1.3" {
		return p.Suites13
	}
	return p.Suites12
}

// sameGroup compares names of groups; two curves have names of their own in
// OpenSSL.
func sameGroup(a, b string) bool {
	return strings.EqualFold(ianaGroup(a), ianaGroup(b))
}

func ianaGroup(name string) string {
	switch strings.ToLower(name) {
	case "prime256v1", "p-256":
		return "secp256r1"
	case "prime192v1":
		return "secp192r1"
	case "p-384":
		return "secp384r1"
	case "p-521":
		return "secp521r1"
	}
	return name
}
