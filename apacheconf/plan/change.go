package plan

import (
	"slices"
	"strings"
)

// Change is what shall be different. The zero value changes nothing; what is
// left empty stays as installed.
type Change struct {
	LogOnly      bool              // install the log format and GlobalLog, no policy
	Profile      string            // harden with this profile
	HSTS         string            // "off", "5m", "1w", "6mo", "2y"; only with Profile
	Redirect     []string          // sites sent from http to https; only with Profile
	Generations  map[string]string // certificate name -> generation directory to serve
	Adopt        []string          // certificate names whose vhosts' own lines become our include
	Instead      bool              // adopt also where another certificate of ours is served
	AllowRestart bool              // stop and start where a reload would not do
	Remove       bool              // take everything of ours away
	VHost        *NewVHost         // write a complete virtual host
}

// NewVHost asks for a TLS virtual host where the admin has none.
type NewVHost struct {
	Name         string   // certificate name, and ServerName where Names is empty
	Names        []string // ServerName, then aliases
	Address      string   // "*:443" where empty
	DocumentRoot string
	Proxy        string // URL; instead of a document root
}

// Command is what a person typed, or could have typed, for this change.
func (c Change) Command() string {
	switch {
	case c.Remove:
		return "apache uninstall"
	case c.VHost != nil:
		return "apache vhost " + c.VHost.Name
	case len(c.Adopt) > 0:
		names := strings.Join(slices.Sorted(slices.Values(c.Adopt)), " ")
		if c.Instead {
			names += " --instead"
		}
		return "apache adopt " + names
	case c.LogOnly:
		return "apache apply --log-only"
	case c.Profile != "":
		return "apache apply --profile " + c.Profile
	}
	return ""
}

// OnlyCertificates: a renewal.
func (c Change) OnlyCertificates() bool {
	return len(c.Generations) > 0 && len(c.Adopt) == 0 && c.Profile == "" && !c.LogOnly && !c.Remove && c.VHost == nil
}
