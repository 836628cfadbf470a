package httpd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tlskeeper/internal/child"
)

// runDirVar is where Debian's configuration keeps its run-time files. The
// directory is in /run, so after a boot it is missing until apache2ctl makes
// it, and httpd refuses to read a configuration without it.
const runDirVar = "APACHE_RUN_DIR"

// read runs `httpd -t` and friends. Where Debian's run-time directory is
// missing, httpd gets an empty one of ours for as long as it reads, and its
// answer is given back with the real path: reading leaves nothing behind.
func (h httpd) read(ctx context.Context, args ...string) (child.Result, error) {
	missing := h.missingRunDir()
	if missing == "" {
		return h.run(ctx, dumpTimeout, args...)
	}
	dir, err := os.MkdirTemp("", "tlskeeper-run-")
	if err != nil {
		return child.Result{}, fmt.Errorf("making a run-time directory for httpd: %w", err)
	}
	defer os.RemoveAll(dir)
	h.env = append(slices.Clone(h.env), runDirVar+"="+dir) // the last one wins (os/exec)
	r, err := h.run(ctx, dumpTimeout, args...)
	for _, out := range []*[]byte{&r.Stdout, &r.Stderr} {
		*out = bytes.ReplaceAll(*out, []byte(dir), []byte(missing))
	}
	return r, err
}

// missingRunDir is Debian's run-time directory where it is not there.
func (h httpd) missingRunDir() string {
	if h.layout != Debian {
		return ""
	}
	dir := h.getenv(runDirVar)
	if strings.HasPrefix(dir, "${") || Exists(dir) {
		return ""
	}
	return dir
}

// makeRunDirs makes what apache2ctl makes before it starts httpd: for a Debian
// layout that we start without it. The lock directory is the workers' own.
// Source: /usr/sbin/apache2ctl of Debian 12, mkdir_chown.
func (s *Server) makeRunDirs(ctx context.Context) error {
	if s.Layout != Debian || s.httpd.system {
		return nil
	}
	if dir := s.httpd.missingRunDir(); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the run-time directory: %w", err)
		}
	}
	lock, user := s.httpd.getenv("APACHE_LOCK_DIR"), s.httpd.getenv("APACHE_RUN_USER")
	if strings.HasPrefix(lock, "${") || Exists(lock) {
		return nil
	}
	if err := os.MkdirAll(lock, 0o755); err != nil {
		return fmt.Errorf("making the lock directory: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	_, err := child.Run(ctx, child.Cmd{Argv: []string{"chown", "--", user, lock}, Timeout: 5 * time.Second})
	return err
}
