// Package apacheconf plans, proves, installs and undoes the TLS configuration
// of one Apache httpd. Nothing reaches the live server that has not run in a
// shadow Apache before, and what does not hold on the wire is taken back.
//
// It may import templates, apacheconf/probe, logship/accesslog and
// internal/{leaf,safepath,durable,child,flock,hint}. Of certificates it knows only
// paths to immutable generation directories; it never imports acme.
package apacheconf

import (
	"log/slog"
	"path/filepath"
	"time"
)

// globalName is the file name of the one server-level file of ours.
const globalName = "tlskeeper.conf"

// Deadlines. A healthy reload shows itself within 100 ms; a host under load
// or with hundreds of virtual hosts gets much more.
const (
	dumpTimeout   = 20 * time.Second // a FIFO in an include directory hangs httpd for ever
	reloadTimeout = 60 * time.Second
	shadowTimeout = 20 * time.Second
	holdTimeout   = 15 * time.Second // for a new generation of workers to serve what was planned
	policyTimeout = 2 * time.Second  // for versions, suites and groups, once the certificates are right
	lockWait      = 2 * time.Second
)

// Config says which Apache, and where our own files live.
type Config struct {
	Binary       string   // "" finds apache2 or httpd
	ServerRoot   string   // with ConfigFile: a layout of one's own; "" finds Debian's or RHEL's
	ConfigFile   string   // main configuration file, "" for the layout's
	EtcDir       string   // our site includes, and the global file of a plain layout
	StateDir     string   // journal, history, manifest; created with mode 0700
	TLSLog       string   // absolute path of the TLS access log
	StartCommand []string // starts a dead Apache; nil chooses by layout
	Log          *slog.Logger
}

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

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c Config) sitePath(name string) string { return filepath.Join(c.EtcDir, name+".conf") }
func (c Config) lockPath() string            { return filepath.Join(c.StateDir, "lock") }
func (c Config) journalPath() string         { return filepath.Join(c.StateDir, "journal.json") }
func (c Config) historyDir() string          { return filepath.Join(c.StateDir, "history") }
func (c Config) manifestPath() string        { return filepath.Join(c.StateDir, "manifest.json") }
