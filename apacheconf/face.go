package apacheconf

import (
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// What callers meet under the name of this package, and what is theirs to know
// of the rooms below it.
type (
	// VHost is one <VirtualHost> section.
	VHost = conf.VHost
	// Config says which Apache, and where our own files live.
	Config = httpd.Config
	// NotInstalledError says that no httpd was found.
	NotInstalledError = httpd.NotInstalledError
	// Look tells the running Apache of one moment from every later one that may
	// serve something else.
	Look = httpd.Look
	// Finding is one thing to know about a configuration, with its place.
	Finding = conf.Finding
	// RefusedError says why nothing was touched.
	RefusedError = conf.RefusedError
)
