// Package apacheconf installs and undoes the TLS configuration of one Apache
// httpd, as one transaction each: planned, proved on a shadow Apache, written,
// loaded, and held against what the wire shows. What does not hold is taken
// back. It is the only face of the rooms below it to the rest of the program.
//
// It may import apacheconf/{conf,httpd,check,proof,plan,probe} and
// internal/{durable,child,filechange,flock,hint,leaf,safepath}. Of certificates it knows only
// paths to immutable generation directories; it never imports acme.
package apacheconf

import (
	"path/filepath"
	"time"
)

// Deadlines.
const (
	policyTimeout = 2 * time.Second // for versions, suites and groups, once the certificates are right
	lockWait      = 2 * time.Second // for another run of ours
)

func lockPath(c Config) string    { return filepath.Join(c.StateDir, "lock") }
func journalPath(c Config) string { return filepath.Join(c.StateDir, "journal.json") }
func historyDir(c Config) string  { return filepath.Join(c.StateDir, "history") }
