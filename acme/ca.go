package acme

import (
	"net/url"
	"slices"
	"strings"

	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/hint"
)

// CA is one certificate authority.
type CA struct {
	Name      string // how we call it in files and messages
	Directory string // URL, https
	CAFile    string // PEM file with the roots of the CA's own HTTPS; "" is the system's
	EAB       *EAB
	// Limits holds what the CA documents about its profiles, "" for the one it
	// takes when none is asked for. What is missing here is not checked.
	Limits map[string]Limits
}

// EAB binds a new account to one the user has with the CA (RFC 8555, 7.3.4).
type EAB struct{ KID, HMAC string }

// Limits is what one certificate may hold.
type Limits struct {
	Names     int  // at most
	Addresses bool // IP addresses among them
}

// letsencryptLimits are those of letsencrypt.org/docs/profiles (2026-07-14).
var letsencryptLimits = map[string]Limits{
	"":           {Names: 100},
	"classic":    {Names: 100},
	"tlsserver":  {Names: 25},
	"shortlived": {Names: 25, Addresses: true},
}

// presets are well-known CAs, as their documentation gives them
// (letsencrypt.org/getting-started, zerossl.com/documentation/acme,
// cloud.google.com/certificate-manager/docs/public-ca).
var presets = []CA{
	{Name: "letsencrypt", Directory: "https://acme-v02.api.letsencrypt.org/directory", Limits: letsencryptLimits},
	{Name: Staging, Directory: "https://acme-staging-v02.api.letsencrypt.org/directory", Limits: letsencryptLimits},
	{Name: "zerossl", Directory: "https://acme.zerossl.com/v2/DV90"},
	{Name: "google", Directory: "https://dv.acme-v02.api.pki.goog/directory"},
}

// Staging names the CA for rehearsals: no browser trusts what it issues, and
// its limits are wide.
const Staging = "letsencrypt-staging"

// Preset returns the CA of that name, if it is one we know.
func Preset(name string) (CA, bool) {
	i := slices.IndexFunc(presets, func(ca CA) bool { return ca.Name == name })
	if i < 0 {
		return CA{}, false
	}
	return presets[i], true
}

// At returns the CA with that directory: a preset, or one that is called
// after its host.
func At(directory string) CA {
	for _, ca := range presets {
		if ca.Directory == directory {
			return ca
		}
	}
	name := directory
	if u, err := url.Parse(directory); err == nil && u.Host != "" {
		name = u.Host
	}
	return CA{Name: name, Directory: directory}
}

// checkLimits refuses what the CA would refuse, before it is ordered: every
// refused order counts against the user.
func (ca CA) checkLimits(profile string, names []string) error {
	limits, known := ca.Limits[profile]
	if !known {
		return nil
	}
	if len(names) > limits.Names {
		return &LimitError{CA: ca.Name, Profile: profile, Names: len(names), Most: limits.Names}
	}
	for _, n := range names {
		if dnsname.IsAddress(n) && !limits.Addresses {
			err := &dnsname.Error{Name: n, Why: ca.Name + " does not certify addresses in this profile"}
			return hint.Wrap(err, ca.withAddresses())
		}
	}
	return nil
}

// withAddresses says which profile takes addresses.
func (ca CA) withAddresses() string {
	var names []string
	for name, limits := range ca.Limits {
		if limits.Addresses {
			names = append(names, `profile = "`+name+`"`)
		}
	}
	slices.Sort(names)
	return "set " + strings.Join(names, " or ")
}
