package probe

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
)

// NewTarget reads what a person types: HOST, HOST:PORT or a https:// address
// pasted from a browser; the port is 443 if none is given. The name sent is sni, else the host unless that is an
// address. On port 443, port 80 of the same host is asked for its redirect.
func NewTarget(where, sni string) (Target, error) {
	if rest, ok := strings.CutPrefix(where, "https://"); ok {
		where, _, _ = strings.Cut(rest, "/")
	}
	host, port, err := net.SplitHostPort(where)
	if err != nil {
		host, port = where, "443"
		if inner, ok := strings.CutPrefix(where, "["); ok && strings.HasSuffix(inner, "]") {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	if host == "" || strings.Contains(where, "/") || strings.ContainsAny(host, "/ []") || strings.Contains(host, ":") && !isIP(host) {
		return Target{}, fmt.Errorf("%q is not HOST or HOST:PORT", where)
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
		return Target{}, fmt.Errorf("%q: no such port", where)
	}
	if sni == "" && !isIP(host) {
		sni = host
	}
	t := Target{Addr: net.JoinHostPort(host, port), SNI: sni}
	if port == "443" {
		t.HTTPAddr = net.JoinHostPort(host, "80")
	}
	return t, nil
}

// WithHTTPPort is the target with a plain HTTP port to ask for its redirect.
func (t Target) WithHTTPPort(port string) (Target, error) {
	host, _, err := net.SplitHostPort(t.Addr)
	if err != nil {
		return t, err
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
		return t, fmt.Errorf("%q: no such port", port)
	}
	t.HTTPAddr = net.JoinHostPort(host, port)
	return t, nil
}

// LoadRoots is the system's CAs and those of a PEM file.
func LoadRoots(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading CA certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading CA certificates: %s holds none in PEM", file)
	}
	return pool, nil
}
