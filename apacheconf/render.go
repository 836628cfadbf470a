package apacheconf

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tlskeeper/logship/accesslog"
	"tlskeeper/templates"
)

// ownCache is used where no session cache is configured: tickets are off, so
// without one nothing would be resumed. The path is in DefaultRuntimeDir.
const ownCache = "shmcb:tlskeeper-ssl-cache(512000)"

// adapt fits a profile to what this httpd and its OpenSSL know: naming an
// unknown group kills the server.
func (s *Server) adapt(p templates.Profile) templates.Profile {
	if !atLeast(s.OpenSSL, "3.5.0") {
		p.Groups = slices.DeleteFunc(slices.Clone(p.Groups), func(g string) bool { return strings.Contains(g, "MLKEM") })
	}
	if !atLeast(s.Version, "2.4.36") || !atLeast(s.OpenSSL, "1.1.1") {
		p.Suites13 = nil
	}
	return p
}

// globalText renders the server-level file for an installed state.
func (s *Server) globalText(m manifest, profile *templates.Profile, modules []string) ([]byte, error) {
	g := templates.Global{TLSLog: s.cfg.TLSLog, LogFormat: accesslog.Format}
	if profile != nil {
		adapted := s.adapt(*profile)
		g.Profile = &adapted
		g.HSTSSeconds = hstsSeconds[m.HSTS]
		g.Redirect = m.redirectLines(time.Now())
		if s.foreign("SSLSessionCache") == nil && hasModule(modules, "socache_shmcb_module") {
			g.SessionCache = ownCache
		}
		g.HTTP2 = s.Has("http2_module") && !s.Has("mpm_prefork_module") && s.foreign("Protocols") == nil
	}
	return g.Render()
}

// foreign finds a server-level directive that is not in our own file.
func (s *Server) foreign(name string) *node {
	for _, n := range slices.Backward(s.conf) {
		if n.is(name) && n.file != s.globalEffective() {
			return n
		}
	}
	return nil
}

// globalPath is the file we write; globalEffective the path by which httpd
// reads it, which on Debian is the link.
func (s *Server) globalPath() string {
	switch s.Layout {
	case Debian:
		return filepath.Join(s.ServerRoot, "conf-available", globalName)
	case RHEL:
		return filepath.Join(s.ServerRoot, "conf.d", globalName)
	}
	return filepath.Join(s.cfg.EtcDir, globalName)
}

func (s *Server) globalEffective() string {
	if s.Layout == Debian {
		return filepath.Join(s.ServerRoot, "conf-enabled", globalName)
	}
	return s.globalPath()
}

// siteText renders the include that activates a generation.
func (s *Server) siteText(name, dir string, leaf *x509.Certificate, conf []*node) ([]byte, error) {
	site := templates.Site{Name: name, CertFile: filepath.Join(dir, "fullchain.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	cache := last(conf, "SSLStaplingCache")
	site.Stapling = len(leaf.OCSPServer) > 0 && cache != nil
	return site.Render()
}

// readChain reads the certificates of a PEM file, leaf first.
func readChain(path string) ([]*x509.Certificate, error) {
	text, err := readRegular(path)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("reading %s: no certificate in it", path)
	}
	return chain, nil
}
