package apacheconf

import "tlskeeper/apacheconf/conf"

// What callers meet under the name of this package, and what is theirs to know
// of the rooms below it.
type (
	// VHost is one <VirtualHost> section.
	VHost = conf.VHost
	// Finding is one thing to know about a configuration, with its place.
	Finding = conf.Finding
	// RefusedError says why nothing was touched.
	RefusedError = conf.RefusedError
)
