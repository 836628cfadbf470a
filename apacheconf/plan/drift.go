package plan

import (
	"maps"
	"os"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
)

// Drift finds hand edits, deleted files and links, and lost adoptions.
func (m Manifest) Drift() []conf.Finding {
	var out []conf.Finding
	for _, path := range slices.Sorted(maps.Keys(m.Files)) {
		now, err := filechange.Read(path)
		switch {
		case m.Files[path] == handedOver:
		case err != nil:
			out = append(out, conf.Finding{Code: "unreadable", File: path, What: err.Error()})
		case now == nil:
			out = append(out, conf.Finding{Code: "deleted", File: path, What: "was deleted by hand", Fix: "tlskeeper apache apply"})
		case digest(now.Data) != m.Files[path]:
			out = append(out, conf.Finding{Code: "edited", File: path, What: "was edited by hand", Fix: "tlskeeper apache apply"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.Links)) {
		if target, err := os.Readlink(path); err != nil || target != m.Links[path] {
			out = append(out, conf.Finding{Code: "link", File: path, What: "does not link to " + m.Links[path] + " any more", Fix: "tlskeeper apache apply"})
		}
	}
	for _, a := range m.Adoptions {
		text, err := httpd.ReadFile(a.File)
		if err != nil || !strings.Contains(string(text), a.New) {
			out = append(out, conf.Finding{Code: "adoption", File: a.File, VHost: a.VHost, What: "the Include of certificate " + a.Name + " was changed by hand", Fix: "tlskeeper apache adopt " + a.Name})
		}
	}
	return out
}
