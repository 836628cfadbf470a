// Package apachetest runs a real Apache httpd in a temporary ServerRoot on
// loopback, and makes certificates for it. Tests and the demo use it; the
// product never links it. It may import internal/child and internal/testenv.
package apachetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tlskeeper/internal/child"
)

// commandTimeout bounds each call of the httpd binary.
const commandTimeout = 20 * time.Second

// Options say what kind of Apache to make. The zero value is one without any
// virtual host.
type Options struct {
	Binary          string   // "" finds apache2 or httpd
	VHosts          []VHost  // written to SitesFile in this order
	Global          string   // server-level text, before the sites
	IncludeOptional []string // one IncludeOptional line each, before the sites
	Modules         []string // further modules, as "http2" for mod_http2.so
}

// VHost is one virtual host of the sites file.
type VHost struct {
	Name              string
	Aliases           []string
	Plain             bool   // on the plain HTTP port, without TLS
	CertFile, KeyFile string // empty for a plain one
	Body              string // further lines, as they are
}

// Apache is an httpd in a directory of its own. Its files may be edited
// between calls; nothing is cached.
type Apache struct {
	Dir        string // ServerRoot
	Binary     string
	ConfigFile string // the main configuration
	SitesFile  string // the virtual hosts
	DocRoot    string
	PidFile    string
	ErrorLog   string
	HTTPPort   int
	TLSPort    int
}

// New writes the configuration of an Apache under dir, which must exist, with
// two free loopback ports. Nothing is started.
func New(dir string, o Options) (*Apache, error) {
	binary, err := findBinary(o.Binary)
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	a := &Apache{Dir: dir, Binary: binary, HTTPPort: ports[0], TLSPort: ports[1],
		ConfigFile: filepath.Join(dir, "httpd.conf"), SitesFile: filepath.Join(dir, "sites.conf"),
		DocRoot: filepath.Join(dir, "www"), PidFile: filepath.Join(dir, "run", "apache.pid"),
		ErrorLog: filepath.Join(dir, "logs", "error.log")}
	return a, a.write(o)
}

func findBinary(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	for _, candidate := range []string{"apache2", "httpd", "/usr/sbin/apache2", "/usr/sbin/httpd"} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", errors.New("finding apache2 or httpd: not installed")
}

// FreePorts returns n different loopback ports that were free a moment ago.
// They lie below the range of which the kernel takes the ports of outgoing
// connections (ip_local_port_range), so that no client of a test running beside
// this one sits on them.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for try := 0; len(ports) < n; try++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+rand.IntN(22000))))
		if err == nil {
			defer l.Close()
			ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		} else if try > 100+n {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
	}
	return ports, nil
}

func (a *Apache) write(o Options) error {
	// The workers run as www-data and must be able to traverse the directory.
	for _, dir := range []string{a.Dir, filepath.Join(a.Dir, "run"), filepath.Join(a.Dir, "logs"), a.DocRoot} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	index := filepath.Join(a.DocRoot, "index.html")
	if err := os.WriteFile(index, []byte("hello\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(a.SitesFile, []byte(a.sites(o.VHosts)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(a.ConfigFile, []byte(a.main(o)), 0o644)
}

// Addr is the TLS address, host:port.
func (a *Apache) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.TLSPort)) }

// PlainAddr is the plain HTTP address, host:port.
func (a *Apache) PlainAddr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.HTTPPort))
}

// Argv is the command line that runs the binary on this configuration.
func (a *Apache) Argv(args ...string) []string {
	return append([]string{a.Binary, "-d", a.Dir, "-f", a.ConfigFile}, args...)
}

func (a *Apache) run(ctx context.Context, args ...string) error {
	_, err := child.Run(ctx, child.Cmd{Argv: a.Argv(args...), Timeout: commandTimeout})
	return err
}

// Start starts the daemon and returns when it answers on both ports and has
// written its PidFile. The ports alone are no sign: they are open before httpd
// is configured, and a reload without a PidFile starts a second httpd.
func (a *Apache) Start(ctx context.Context) error {
	if err := a.run(ctx, "-k", "start"); err != nil {
		return fmt.Errorf("starting apache in %s: %w", a.Dir, err)
	}
	if err := a.waitPorts(ctx); err != nil {
		return fmt.Errorf("starting apache in %s: %w: %s", a.Dir, err, a.logTail())
	}
	return nil
}

// Reload sends the graceful signal, as the admin's `apachectl graceful` does.
func (a *Apache) Reload(ctx context.Context) error { return a.run(ctx, "-k", "graceful") }

// Stop ends the daemon and returns when it is gone. One that is not running is
// no error.
func (a *Apache) Stop(ctx context.Context) error {
	pid := a.PID()
	if pid == 0 {
		return nil
	}
	// By signal: `-k stop` would refuse to read a configuration that is broken.
	err := syscall.Kill(pid, syscall.SIGTERM)
	if waited := waitFor(ctx, commandTimeout, func() bool { return !a.owns(pid) }); waited != nil {
		return fmt.Errorf("stopping apache %d in %s: %w", pid, a.Dir, errors.Join(waited, err))
	}
	return nil
}

// PID is the running parent process, 0 where there is none. A process that
// took over the number of a dead one does not count.
func (a *Apache) PID() int {
	text, err := os.ReadFile(a.PidFile)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !a.owns(pid) {
		return 0
	}
	return pid
}

// owns reports whether pid is alive (a zombie is not: its command line is
// empty) and runs on our directory.
func (a *Apache) owns(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(line), a.ConfigFile)
}

func (a *Apache) waitPorts(ctx context.Context) error {
	return waitFor(ctx, commandTimeout, func() bool {
		for _, addr := range []string{a.Addr(), a.PlainAddr()} {
			conn, err := net.DialTimeout("tcp", addr, time.Second)
			if err != nil {
				return false
			}
			conn.Close()
		}
		return a.PID() != 0
	})
}

func (a *Apache) logTail() string {
	text, _ := os.ReadFile(a.ErrorLog)
	return string(text[max(0, len(text)-2000):])
}

// waitFor polls until done says so, the context ends, or the time is up.
func waitFor(ctx context.Context, limit time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
