// Package httpd is the program: finding it, reading its configuration by its
// own dump, reloading, starting and stopping it, and what its process and its
// error log tell.
//
// It may import apacheconf/conf and internal/{child,hint,regular}.
package httpd

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/child"
	"tlskeeper/internal/hint"
)

// Server is an Apache as it was configured on disk when it was read. Whether
// the running one has loaded that is another matter.
type Server struct {
	Binary     string       `json:"binary"`
	Version    string       `json:"version"` // "2.4.71"
	OpenSSL    string       `json:"openssl"` // loaded at run time, "3.0.19"; "" where mod_ssl is absent
	Layout     Layout       `json:"layout"`
	ServerRoot string       `json:"server_root"`
	ConfigFile string       `json:"config_file"`
	PidFile    string       `json:"pid_file"`
	Modules    []string     `json:"modules"` // "ssl_module"
	Listen     []string     `json:"listen"`  // "443", "127.0.0.1:8443", "[::]:443"
	VHosts     []conf.VHost `json:"vhosts"`  // in the order of the configuration

	Config    Config `json:"-"`
	httpd     httpd
	includes  []conf.Included
	Conf      []*conf.Node `json:"-"` // the effective configuration
	ModuleDir string       `json:"-"` // where its modules lie
}

// Inspect finds the Apache and reads its effective configuration by
// httpd's own dump. It changes nothing and needs no running server; a
// configuration that httpd itself cannot read is a *conf.RefusedError that says
// where it breaks. It returns *NotInstalledError where there is no httpd.
func Inspect(ctx context.Context, cfg Config) (*Server, error) {
	s, err := find(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.readVersion(ctx); err != nil {
		return nil, err
	}
	return s, s.readFiles(ctx)
}

// Survey is Inspect without the version: what a look at the virtual hosts
// needs, in half the time.
func Survey(ctx context.Context, cfg Config) (*Server, error) {
	s, err := find(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return s, s.readFiles(ctx)
}

func find(ctx context.Context, cfg Config) (*Server, error) {
	h, err := findHTTPD(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Server{Binary: h.binary, Layout: h.layout, ServerRoot: h.root, ConfigFile: h.conf, Config: cfg, httpd: h}, nil
}

func (s *Server) readFiles(ctx context.Context) error {
	if err := s.readTables(ctx); err != nil {
		return err
	}
	if err := s.readConfig(ctx); err != nil {
		return err
	}
	s.readVHosts()
	return nil
}

var versionLine = regexp.MustCompile(`Apache/(\d+\.\d+\.\d+)`)

func (s *Server) readVersion(ctx context.Context) error {
	r, err := child.Run(ctx, child.Cmd{Argv: []string{s.httpd.binary, "-v"}, Env: s.httpd.env, Timeout: dumpTimeout})
	if err != nil {
		return fmt.Errorf("asking httpd for its version: %w", err)
	}
	m := versionLine.FindSubmatch(r.Stdout)
	if m == nil {
		return fmt.Errorf("asking httpd for its version: %s is not Apache httpd", s.httpd.binary)
	}
	s.Version = string(m[1])
	return nil
}

// readTables asks for what the dump of the configuration does not tell.
func (s *Server) readTables(ctx context.Context) error {
	r, err := s.httpd.read(ctx, "-t", "-D", "DUMP_INCLUDES", "-D", "DUMP_MODULES", "-D", "DUMP_RUN_CFG")
	if err != nil {
		return s.unreadable(err, r)
	}
	out := string(r.Stdout)
	s.includes = conf.ParseIncludes(out)
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutSuffix(line, " (shared)"); ok {
			s.Modules = append(s.Modules, name)
		} else if name, ok := strings.CutSuffix(line, " (static)"); ok {
			s.Modules = append(s.Modules, name)
		} else if path, ok := strings.CutPrefix(line, "PidFile: "); ok {
			s.PidFile = strings.Trim(path, `"`)
		}
	}
	return nil
}

// syntaxPlace finds the place in httpd's "Syntax error on line N of FILE:".
var syntaxPlace = regexp.MustCompile(`(?s)[Ss]yntax error on line (\d+) of ([^\n]+?):\s*(.*)`)

// unreadable turns httpd's refusal of its own configuration into a finding.
func (s *Server) unreadable(err error, r child.Result) error {
	if r.ExitCode < 0 {
		return s.hung(fmt.Errorf("reading the configuration by httpd: %w", err))
	}
	f := conf.Finding{Code: "syntax", File: s.ConfigFile, What: lastLine(string(r.Stderr))}
	// Of a failing Include in an Include httpd names all places, the outermost first.
	for m := syntaxPlace.FindStringSubmatch(string(r.Stderr)); m != nil; m = syntaxPlace.FindStringSubmatch(m[3]) {
		f.Line, _ = strconv.Atoi(m[1])
		f.File, f.What = m[2], lastLine(m[3])
	}
	refused := &conf.RefusedError{Why: "Apache cannot read its own configuration", Findings: []conf.Finding{f}}
	return hint.Wrap(refused, strings.Join(s.httpd.argv("-t"), " ")+" shows the same")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// readConfig gets the effective configuration through mod_info, loaded only
// for this one run.
func (s *Server) readConfig(ctx context.Context) error {
	s.ModuleDir = s.findModuleDir()
	return s.dump(ctx)
}

// dump reads the configuration, with further files read before it.
func (s *Server) dump(ctx context.Context, first ...string) error {
	args := []string{"-t", "-D", "DUMP_CONFIG"}
	for _, path := range first {
		args = append(args, "-C", "Include "+conf.Quote(path))
	}
	if !s.Has("info_module") {
		info := filepath.Join(s.ModuleDir, "mod_info.so")
		if !Exists(info) {
			return hint.Wrap(fmt.Errorf("reading the configuration: %s is missing", info), "install the package that holds mod_info")
		}
		args = append([]string{"-C", "LoadModule info_module " + info}, args...)
	}
	r, err := s.httpd.read(ctx, args...)
	if err != nil {
		return s.unreadable(err, r)
	}
	if r.Truncated {
		return fmt.Errorf("reading the configuration: the dump is longer than %d bytes", maxDump)
	}
	s.Conf, s.Listen = conf.Parse(r.Stdout), nil
	for _, n := range conf.All(s.Conf, "Listen") {
		s.Listen = append(s.Listen, n.Arg(0))
	}
	return nil
}

// With is the server as it would be with these modules: their files are read
// before its own.
func (s *Server) With(ctx context.Context, modules []string, first ...string) (*Server, error) {
	next := *s
	next.Modules = modules
	if err := next.dump(ctx, first...); err != nil {
		return nil, err
	}
	next.readVHosts()
	return &next, nil
}

// Env is the environment in which this httpd runs.
func (s *Server) Env() []string { return s.httpd.env }

// Has tells whether a module is loaded, by its "ssl_module" name.
func (s *Server) Has(module string) bool { return slices.Contains(s.Modules, module) }

// findModuleDir looks where the configuration itself loads modules from.
func (s *Server) findModuleDir() string {
	for _, n := range s.RawDirectives("LoadModule") {
		dir := filepath.Dir(conf.Abs(s.httpd.root, n.Arg(1)))
		if Exists(filepath.Join(dir, "mod_info.so")) {
			return dir
		}
	}
	for _, dir := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"} {
		if Exists(dir) {
			return dir
		}
	}
	return filepath.Join(s.httpd.root, "modules")
}

// Deadlines. A healthy reload shows itself within 100 ms; a host under load or
// with hundreds of virtual hosts gets much more.
const (
	dumpTimeout = 20 * time.Second // a FIFO in an include directory hangs httpd for ever

	ReloadTimeout = 60 * time.Second // for a command of the service manager
	HoldTimeout   = 15 * time.Second // for a new generation of workers
)

func (s *Server) readVHosts() {
	s.VHosts = conf.Hosts(s.Conf, s.Config.EtcDir)
}

// LiveAddrs is where this host reaches a virtual host, host:port each: what to
// dial to see what it serves.
func (s *Server) LiveAddrs(v conf.VHost) []string {
	var written, out []string
	for _, h := range s.VHosts {
		written = append(written, h.Addresses...)
	}
	x := conf.NewAddresses(s.Listen, written)
	for _, a := range v.Addresses {
		for _, d := range x.Of(a) {
			if !slices.Contains(out, d.String()) {
				out = append(out, d.String())
			}
		}
	}
	return out
}
