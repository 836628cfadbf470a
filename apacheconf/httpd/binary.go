package httpd

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tlskeeper/internal/child"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
)

// Layout is how a distribution arranges Apache's files.
type Layout string

const (
	Debian Layout = "debian" // conf-available, links in conf-enabled, envvars
	RHEL   Layout = "rhel"   // conf.d
	Plain  Layout = "plain"  // one's own server root; our file needs an Include there
)

// httpd runs the binary on one configuration.
type httpd struct {
	binary, root, conf string
	layout             Layout
	system             bool     // the distribution's own instance, under its service manager
	env                []string // Debian's envvars; else minimal
}

// maxDump bounds the output of one dump; hundreds of vhosts make about 1 MB.
const maxDump = 64 << 20

func findHTTPD(ctx context.Context, cfg Config) (httpd, error) {
	binary, err := findBinary(cfg.Binary)
	if err == nil {
		err = safepath.Check(binary)
	}
	if err != nil {
		return httpd{}, err
	}
	h := httpd{binary: binary, root: cfg.ServerRoot, conf: cfg.ConfigFile, env: child.MinimalEnv()}
	if h.root == "" && h.conf == "" {
		h.system = true
		h.root = "/etc/httpd"
		if Exists("/etc/apache2/apache2.conf") {
			h.root = "/etc/apache2"
		}
	}
	if h.root == "" {
		h.root = filepath.Dir(h.conf)
	}
	h.layout, h.conf = layoutOf(h)
	if h.layout == Debian {
		h.env, err = debianEnv(ctx, h.root)
	}
	return h, err
}

func findBinary(name string) (string, error) {
	looked := []string{"apache2", "httpd", "/usr/sbin/apache2", "/usr/sbin/httpd"}
	if name != "" {
		looked = []string{name}
	}
	for _, candidate := range looked {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", hint.Wrap(&NotInstalledError{Looked: looked}, "apt-get install apache2, or dnf install httpd mod_ssl, or set [apache] binary")
}

// layoutOf also chooses the main file where none is given.
func layoutOf(h httpd) (Layout, string) {
	switch {
	case Exists(filepath.Join(h.root, "conf-available")) && Exists(filepath.Join(h.root, "envvars")):
		return Debian, cmp.Or(h.conf, filepath.Join(h.root, "apache2.conf"))
	case h.system || looksLikeRHEL(h):
		return RHEL, cmp.Or(h.conf, filepath.Join(h.root, "conf", "httpd.conf"))
	}
	return Plain, cmp.Or(h.conf, filepath.Join(h.root, "conf", "httpd.conf"))
}

// looksLikeRHEL: the main file of the package, and the directory it includes.
func looksLikeRHEL(h httpd) bool {
	conf := filepath.Join(h.root, "conf", "httpd.conf")
	return cmp.Or(h.conf, conf) == conf && Exists(conf) && Exists(filepath.Join(h.root, "conf.d"))
}

// debianEnv reads envvars as apache2ctl does, by a shell. The file is the
// admin's own program text; its values only become the environment of httpd.
func debianEnv(ctx context.Context, root string) ([]string, error) {
	path := filepath.Join(root, "envvars")
	script := `. "$1" >/dev/null && env -0`
	r, err := child.Run(ctx, child.Cmd{Argv: []string{"/bin/sh", "-c", script, "sh", path},
		Env: append(child.MinimalEnv(), "APACHE_CONFDIR="+root), Timeout: dumpTimeout})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	var env []string
	for _, kv := range bytes.Split(r.Stdout, []byte{0}) {
		if len(kv) > 0 {
			env = append(env, string(kv))
		}
	}
	return env, nil
}

func (h httpd) argv(args ...string) []string {
	return append([]string{h.binary, "-d", h.root, "-f", h.conf}, args...)
}

func (h httpd) run(ctx context.Context, timeout time.Duration, args ...string) (child.Result, error) {
	return child.Run(ctx, child.Cmd{Argv: h.argv(args...), Env: h.env, Timeout: timeout, MaxOutput: maxDump})
}

// getenv is the value that httpd would see for ${name}.
func (h httpd) getenv(name string) string {
	for _, kv := range h.env {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return "${" + name + "}"
}

// NotInstalledError says that no httpd was found.
type NotInstalledError struct{ Looked []string }

func (e *NotInstalledError) Error() string {
	return "finding Apache httpd: not installed (looked for " + strings.Join(e.Looked, ", ") + ")"
}
