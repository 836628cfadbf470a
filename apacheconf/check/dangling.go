package check

import (
	"os"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// dangling finds links in include directories that lead nowhere: httpd leaves
// them out without a word, and with them a whole site.
func dangling(s *httpd.Server, ours string) []conf.Finding {
	var out []conf.Finding
	for _, n := range s.RawDirectives("IncludeOptional") {
		for _, path := range s.Matches(n) {
			target, err := os.Readlink(path)
			if err == nil && !httpd.Exists(path) && path != ours {
				out = append(out, conf.Finding{Code: "dangling", File: path,
					What: "is a link to " + target + ", which does not exist: Apache leaves it out without a word (" + n.Place() + ")"})
			}
		}
	}
	return out
}
