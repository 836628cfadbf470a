// Package check finds what httpd itself does not: a configuration that passes
// `httpd -t` and kills the server at its next reload, or that it accepts and a
// person would not. There is one file for each
// kind of fault, and one table of all codes: a new check is a file and a row.
//
// It may import apacheconf/conf, apacheconf/httpd.
package check

import (
	"crypto/x509"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// View is a planned configuration beside the present one.
type View struct {
	Server    *httpd.Server                // as it is now
	Next      []*conf.Node                 // the effective configuration as it shall be
	Modules   []string                     // loaded then; nil for those of now
	Held      []string                     // caches that the running Apache is known to hold
	Leaves    map[string]*x509.Certificate // that the plan serves, by certificate name
	Ours      []string                     // files and links of ours, planned ones included
	Global    string                       // our server-level file
	Effective string                       // the path by which httpd reads that
	Profile   string                       // of ours that holds then, "" for none
	HSTS      bool                         // we send Strict-Transport-Security then
	Redirect  []string                     // sites that we redirect then
	Removing  bool                         // everything of ours goes
}

// Verdict is what the checks have found.
type Verdict struct {
	Restart  []conf.Finding // a reload would kill Apache; stop and start would not
	Blocked  []conf.Finding // must not be done
	Warnings []conf.Finding // httpd accepts it, and a person would not
}

// planned gathers a verdict.
type planned struct {
	View
	blocked, warned []conf.Finding
}

// Planned compares old and new for what no shadow can see, because it starts
// fresh and the live server does not, and looks at the new for what httpd
// accepts and a person would not.
func Planned(v View) Verdict {
	p := &planned{View: v}
	for _, f := range faults {
		if f.planned != nil && !v.Removing { // of an uninstall, what wins over the profile is no news
			f.planned(p)
		}
	}
	return Verdict{Caches(v), p.blocked, p.warned}
}

func (p *planned) warn(f conf.Finding)  { p.warned = append(p.warned, f) }
func (p *planned) block(f conf.Finding) { p.blocked = append(p.blocked, f) }

func (p *planned) hosts() []conf.VHost {
	return conf.Hosts(p.Next, p.Server.Config.EtcDir)
}
