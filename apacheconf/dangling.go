package apacheconf

import (
	"os"

	"tlskeeper/apacheconf/conf"
)

// dangling finds links in include directories that lead nowhere: httpd leaves
// them out without a word, and with them a whole site.
func (s *Server) dangling() []conf.Finding {
	var out []conf.Finding
	for _, n := range s.rawDirectives("IncludeOptional") {
		for _, path := range s.matches(n) {
			target, err := os.Readlink(path)
			if err == nil && !exists(path) && path != s.globalEffective() {
				out = append(out, conf.Finding{Code: "dangling", File: path,
					What: "is a link to " + target + ", which does not exist: Apache leaves it out without a word (" + n.Place() + ")"})
			}
		}
	}
	return out
}
