// Package apacheconf plans, proves, installs and undoes the TLS configuration
// of one Apache httpd. Nothing reaches the live server that has not run in a
// shadow Apache before, and what does not hold on the wire is taken back.
//
// It may import templates, apacheconf/probe, logship/accesslog and
// internal/{leaf,safepath,durable,child,flock,hint}. Of certificates it knows only
// paths to immutable generation directories; it never imports acme.
package apacheconf

import (
	"path/filepath"
	"time"
)

// globalName is the file name of the one server-level file of ours.
const globalName = "tlskeeper.conf"

// Deadlines. A healthy reload shows itself within 100 ms; a host under load
// or with hundreds of virtual hosts gets much more.
const (
	policyTimeout = 2 * time.Second // for versions, suites and groups, once the certificates are right
	lockWait      = 2 * time.Second
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

func sitePath(c Config, name string) string { return filepath.Join(c.EtcDir, name+".conf") }
func lockPath(c Config) string              { return filepath.Join(c.StateDir, "lock") }
func journalPath(c Config) string           { return filepath.Join(c.StateDir, "journal.json") }
func historyDir(c Config) string            { return filepath.Join(c.StateDir, "history") }
func manifestPath(c Config) string          { return filepath.Join(c.StateDir, "manifest.json") }
