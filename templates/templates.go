// Package templates holds the Apache configuration that tlskeeper writes, and
// the policy in it as data. Rendering refuses every value that could leave its
// place on the line. It imports nothing of the project but
// mechanisms.
package templates

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"
)

//go:embed *.conf.tmpl profiles.json
var files embed.FS

// Profile is one TLS policy. The lists are in the server's order.
type Profile struct {
	Name          string   `json:"name"`
	Former        string   `json:"former"` // the name it had, which is still understood
	Title         string   `json:"title"`
	Source        string   `json:"source"`        // where the values come from
	Reconstructed bool     `json:"reconstructed"` // not a published list but our reading of one
	Protocol      string   `json:"protocol"`      // arguments of SSLProtocol
	Suites12      []string `json:"suites12"`      // OpenSSL names up to TLS 1.2; empty: no such line
	Suites13      []string `json:"suites13"`      // empty: OpenSSL's default
	Groups        []string `json:"groups"`        // empty: OpenSSL's default
	ServerOrder   bool     `json:"server_order"`
}

// Profiles are all known policies, the default one first.
func Profiles() []Profile {
	text, err := files.ReadFile("profiles.json")
	if err != nil {
		panic(err) // embedded
	}
	var all []Profile
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err) // embedded, and read by the tests
	}
	return all
}

// ProfileNames are the names of all profiles, the default one first.
func ProfileNames() []string {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// Lookup finds a profile by its name, or by the one it had.
func Lookup(name string) (Profile, bool) {
	for _, p := range Profiles() {
		if name != "" && (p.Name == name || p.Former == name) {
			return p, true
		}
	}
	return Profile{}, false
}

// Global is what goes into the one server-level file. Each part is left out
// where its field is empty.
type Global struct {
	Profile      *Profile
	SessionCache string // argument of SSLSessionCache
	HTTP2        bool
	HSTSSeconds  int64
	TLSLog       string // absolute path of the log; never a pipe
	LogFormat    string // the format line, unquoted
	Redirect     []Redirect
}

// Redirect sends one site from plain HTTP to HTTPS.
type Redirect struct {
	Site      string
	Permanent bool // 308, which browsers remember, instead of 307
}

// Site names the files of one certificate generation.
type Site struct {
	Name, CertFile, KeyFile string
	Stapling                bool
}

// VHost is one complete virtual host: a document root or a proxied URL.
type VHost struct {
	Address, ServerName string // Address as in <VirtualHost>, "*:443"
	Aliases             []string
	Include             string // the site include
	DocumentRoot, Proxy string
}

// Render writes the server-level file.
func (g Global) Render() ([]byte, error) {
	for _, r := range g.Redirect {
		if err := checkHost(r.Site); err != nil {
			return nil, err
		}
	}
	if g.TLSLog != "" {
		if err := checkPath(g.TLSLog); err != nil {
			return nil, err
		}
	}
	return render("global.conf.tmpl", g)
}

// Render writes the site include.
func (s Site) Render() ([]byte, error) {
	if err := CheckName(s.Name); err != nil {
		return nil, err
	}
	for _, path := range []string{s.CertFile, s.KeyFile} {
		if err := checkPath(path); err != nil {
			return nil, err
		}
	}
	return render("site.conf.tmpl", s)
}

// TLSProxy: the program behind is asked by TLS.
func (v VHost) TLSProxy() bool { return strings.HasPrefix(v.Proxy, "https:") }

// Render writes the virtual host.
func (v VHost) Render() ([]byte, error) {
	for _, name := range append([]string{v.ServerName}, v.Aliases...) {
		if err := checkHost(name); err != nil {
			return nil, err
		}
	}
	if err := cmp.Or(checkAddress(v.Address), checkPath(v.Include)); err != nil {
		return nil, err
	}
	if v.Proxy != "" {
		if err := checkProxy(v.Proxy); err != nil {
			return nil, err
		}
		return render("vhost.conf.tmpl", v)
	}
	if err := checkPath(v.DocumentRoot); err != nil {
		return nil, fmt.Errorf("document root: %w", err)
	}
	return render("vhost.conf.tmpl", v)
}

func render(name string, data any) ([]byte, error) {
	t, err := template.New(name).Funcs(funcs).ParseFS(files, "log.conf.tmpl", name)
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, innermost(err) // a value was refused; where in the template is nobody's concern
	}
	if b.Bytes()[b.Len()-1] != '\n' {
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

func innermost(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}
