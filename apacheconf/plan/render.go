package plan

import (
	"crypto/x509"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/logship/accesslog"
	"tlskeeper/templates"
)

// ownCache is used where no session cache is configured: tickets are off, so
// without one nothing would be resumed. The path is in DefaultRuntimeDir.
const ownCache = "shmcb:tlskeeper-ssl-cache(512000)"

// adapt fits a profile to what this httpd and its OpenSSL know: naming an
// unknown group kills the server.
func adapt(s *httpd.Server, p templates.Profile) templates.Profile {
	if !conf.AtLeast(s.OpenSSL, "3.5.0") {
		p.Groups = slices.DeleteFunc(slices.Clone(p.Groups), func(g string) bool { return strings.Contains(g, "MLKEM") })
	}
	if !conf.AtLeast(s.Version, "2.4.36") || !conf.AtLeast(s.OpenSSL, "1.1.1") {
		p.Suites13 = nil
	}
	return p
}

// globalText renders the server-level file for an installed state.
func globalText(s *httpd.Server, m Manifest, profile *templates.Profile, modules []string) ([]byte, error) {
	g := templates.Global{TLSLog: s.Config.TLSLog, LogFormat: accesslog.Format}
	if profile != nil {
		adapted := adapt(s, *profile)
		g.Profile = &adapted
		g.HSTSSeconds = hstsSeconds[m.HSTS]
		g.Redirect = m.redirectLines(time.Now())
		if foreign(s, "SSLSessionCache") == nil && slices.Contains(modules, "socache_shmcb_module") {
			g.SessionCache = ownCache
		}
		g.HTTP2 = s.Has("http2_module") && !s.Has("mpm_prefork_module") && foreign(s, "Protocols") == nil
	}
	return g.Render()
}

// foreign finds a server-level directive that is not in our own file.
func foreign(s *httpd.Server, name string) *conf.Node {
	for _, n := range slices.Backward(s.Conf) {
		if n.Is(name) && n.File != globalEffective(s) {
			return n
		}
	}
	return nil
}

// GlobalPath is the file we write; globalEffective the path by which httpd
// reads it, which on Debian is the link.
func GlobalPath(s *httpd.Server) string {
	switch s.Layout {
	case httpd.Debian:
		return filepath.Join(s.ServerRoot, "conf-available", globalName)
	case httpd.RHEL:
		return filepath.Join(s.ServerRoot, "conf.d", globalName)
	}
	return filepath.Join(s.Config.EtcDir, globalName)
}

func globalEffective(s *httpd.Server) string {
	if s.Layout == httpd.Debian {
		return filepath.Join(s.ServerRoot, "conf-enabled", globalName)
	}
	return GlobalPath(s)
}

// siteText renders the include that activates a generation.
func siteText(s *httpd.Server, name, dir string, leaf *x509.Certificate, tree []*conf.Node) ([]byte, error) {
	site := templates.Site{Name: name, CertFile: filepath.Join(dir, "fullchain.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	cache := conf.Last(tree, "SSLStaplingCache")
	site.Stapling = len(leaf.OCSPServer) > 0 && cache != nil
	return site.Render()
}
