package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"
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

// Finding is one way in which a server differs from what it should be.
type Finding struct {
	ID   string `json:"id"`   // stable, for scripts: "version", "suite", ...
	Text string `json:"text"` // one sentence without a full stop
}

// Check compares the report with the profile: what is supported and should not
// be, what is missing, and what is wrong with certificate and headers under any
// profile. No findings is nil.
func (r *Report) Check(p Profile) []Finding {
	var all []Finding
	add := func(id, format string, args ...any) { all = append(all, Finding{id, fmt.Sprintf(format, args...)}) }
	r.checkVersions(p, add)
	r.checkSuites(p, add)
	r.checkGroups(p, add)
	r.checkFeatures(add)
	for i := range r.Certificates {
		r.Certificates[i].check(r.Time, add)
	}
	if r.Incomplete {
		add("incomplete", "the server stopped answering, so not everything was checked")
	}
	return all
}

type addFinding func(id, format string, args ...any)

func (r *Report) checkVersions(p Profile, add addFinding) {
	for _, v := range r.Versions {
		allowed := slices.Contains(p.Versions, v.Name)
		switch {
		case v.Supported && !allowed && len(p.Versions) > 0:
			add("version", "%s is supported, profile %s does not allow it", v.Name, p.Name)
		case !v.Supported && slices.Contains(p.Required, v.Name):
			add("version", "%s is not supported, profile %s wants it", v.Name, p.Name)
		}
	}
}

func (r *Report) checkSuites(p Profile, add addFinding) {
	for _, v := range r.Versions {
		if len(p.Versions) > 0 && !slices.Contains(p.Versions, v.Name) {
			continue // the version is the finding
		}
		var beyond []string
		for _, s := range v.Suites {
			if !p.allows(s) {
				beyond = append(beyond, s.Label())
			}
		}
		if len(beyond) > 0 {
			add("suite", "%s accepts %s, profile %s does not allow it", v.Name, strings.Join(beyond, ", "), p.Name)
		}
		if p.ServerOrder && v.Order == "client" && v.Name != "TLSv1.3" {
			add("order", "%s leaves the choice of suite to the client, profile %s wants the server's order", v.Name, p.Name)
		}
	}
}

func (p Profile) allows(s Suite) bool {
	list := p.Suites12
	if s.tls13() {
		list = p.Suites13
	}
	return len(list) == 0 || slices.Contains(list, s.OpenSSL) || slices.Contains(list, s.Name)
}

func (r *Report) checkGroups(p Profile, add addFinding) {
	if len(p.Groups) == 0 {
		return
	}
	var beyond []string
	for _, g := range r.Groups {
		if !slices.ContainsFunc(p.Groups, func(name string) bool { return sameGroup(name, g.Name) }) {
			beyond = append(beyond, g.Name)
		}
	}
	if len(beyond) > 0 {
		add("group", "groups %s are accepted, profile %s does not allow them", strings.Join(beyond, ", "), p.Name)
	}
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

func (r *Report) checkFeatures(add addFinding) {
	if r.Features.Compression {
		add("compression", "TLS compression is on")
	}
	if secure := r.Features.SecureRenegotiation; secure != nil && !*secure {
		add("renegotiation", "renegotiation is not secure")
	}
	if r.HTTP != nil && r.HTTP.HSTS != nil {
		if h := r.HTTP.HSTS; h.Headers > 1 {
			add("hsts", "HSTS is sent %d times; browsers obey the first: %s", h.Headers, h.Raw)
		} else if !h.Valid {
			add("hsts", "HSTS header is invalid: %s", h.Raw)
		}
	}
}

func (c *Certificate) check(now time.Time, add addFinding) {
	switch {
	case now.After(c.NotAfter):
		add("certificate", "certificate %s expired on %s", c.Serial, c.NotAfter.Format(time.DateOnly))
	case now.Before(c.NotBefore):
		add("certificate", "certificate %s is not valid before %s", c.Serial, c.NotBefore.Format(time.DateOnly))
	case !c.Trusted:
		add("trust", "certificate %s is not trusted: %s", c.Serial, c.TrustError)
	}
	if !c.NameMatches {
		add("name", "certificate %s is for %s", c.Serial, strings.Join(c.Names, ", "))
	}
	for _, problem := range c.ChainProblems {
		add("chain", "%s", problem)
	}
}
