package httpd

import (
	"path/filepath"

	"tlskeeper/apacheconf/conf"
)

// DocumentRoot is the directory from which plain HTTP answers for a name: that
// of the virtual host without TLS which has the name, or of the first one,
// which httpd takes where none has it; "" where none is set or it is no full
// path. A proxy or an alias in front of it is not seen.
func (s *Server) DocumentRoot(name string) string {
	var chosen *conf.VHost
	for i := range s.VHosts {
		if v := &s.VHosts[i]; !v.TLS && (chosen == nil || v.Covers(name)) {
			chosen = v
			if v.Covers(name) {
				break
			}
		}
	}
	root := conf.Last(s.Conf, "DocumentRoot")
	if chosen != nil {
		if own := conf.Last(chosen.Node.Children, "DocumentRoot"); own != nil {
			root = own
		}
	}
	if root == nil || !filepath.IsAbs(root.Arg(0)) {
		return ""
	}
	return filepath.Clean(root.Arg(0))
}
