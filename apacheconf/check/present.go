package check

import (
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// Present are those that no shadow can show: it has neither the addresses
// nor the programs of the live server.
func Present(s *httpd.Server) []conf.Finding { return append(listenFaults(s), programFaults(s)...) }
