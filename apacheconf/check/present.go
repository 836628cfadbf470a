package check

import (
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// Present is what would keep Apache from coming up again and no shadow can show:
// it has neither the addresses nor the programs of the live server.
func Present(s *httpd.Server) []conf.Finding {
	var out []conf.Finding
	for _, f := range faults {
		if f.present != nil {
			out = append(out, f.present(s)...)
		}
	}
	return out
}
