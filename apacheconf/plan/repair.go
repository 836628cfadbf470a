package plan

import (
	"bytes"
	"path/filepath"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
	"tlskeeper/templates"
)

// SiteRepair is the change of one include, wanted where the pair that it names
// is gone and the new one is there.
func SiteRepair(cfg httpd.Config, name, dir string) (change filechange.Change, wanted bool, err error) {
	path := SitePath(cfg, name)
	old, err := filechange.Read(path)
	if err != nil || old == nil || old.Target != "" {
		return filechange.Change{}, false, err
	}
	named := generationIn(old.Data)
	if named == "" || pairIn(named) || !pairIn(dir) {
		return filechange.Change{}, false, nil
	}
	text, err := templates.Site{Name: name, CertFile: filepath.Join(dir, "fullchain.pem"), KeyFile: filepath.Join(dir, "key.pem")}.Render()
	if err != nil {
		return filechange.Change{}, false, err
	}
	change, err = filechange.PlanFile(path, withoutHead(text), 0o644)
	return change, err == nil, err
}

func pairIn(dir string) bool {
	return httpd.Exists(filepath.Join(dir, "fullchain.pem")) && httpd.Exists(filepath.Join(dir, "key.pem"))
}

// withoutHead leaves the comments out.
func withoutHead(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("#")) {
			out = append(out, line...)
		}
	}
	return out
}
