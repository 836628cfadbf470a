package check

import (
	"os"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// dangling finds links in include directories that lead nowhere: httpd leaves
// them out without a word, and with them a whole site.
func (p *planned) dangling() {
	for _, n := range p.Server.RawDirectives("IncludeOptional") {
		for _, path := range p.Server.Matches(n) {
			target, err := os.Readlink(path)
			if err == nil && !httpd.Exists(path) && path != p.Effective {
				p.warn(conf.Finding{Code: "dangling", File: path,
					What: "is a link to " + target + ", which does not exist: Apache leaves it out without a word (" + n.Place() + ")"})
			}
		}
	}
}
