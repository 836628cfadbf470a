// Package proof tries a configuration before it is live: on a shadow Apache on
// loopback, which is asked what the live server will have to show, and then
// holds the live one to that.
//
// It may import apacheconf/{conf,httpd,probe} and
// internal/{durable,flock}.
package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/flock"
)

// shadow is a throw-away Apache on loopback that carries the TLS directives of
// every virtual host and nothing else. `httpd -t` does not read keys, cipher
// strings or groups; a start does.
type shadow struct {
	dir     string
	lock    *flock.Lock
	addr    *shadowAddrs
	units   []unit              // each with the log error-INDEX.log
	managed map[*conf.Node]bool // hosts whose certificate comes from mod_md
	proc    *exec.Cmd
	ended   chan error
	Took    time.Duration
}

// DeadError is a shadow that did not start, with what its log says: Apache would
// die of this configuration.
type DeadError struct{ Findings []conf.Finding }

func (e *DeadError) Error() string {
	texts := make([]string, 0, len(e.Findings))
	for _, f := range e.Findings {
		texts = append(texts, f.String())
	}
	return "the shadow Apache did not start: " + strings.Join(texts, "; ")
}

// startShadow starts tree. The caller stops it. A configuration that Apache
// would die of is a *deadError; a port that another program took between our
// choice and the start is not: then others are tried.
func startShadow(ctx context.Context, s *httpd.Server, tree []*conf.Node, modules []string) (*shadow, error) {
	for try := 1; ; try++ {
		sh, err := tryShadow(ctx, s, tree, modules)
		failed, ok := errors.AsType[*DeadError](err)
		if !ok || try == 3 || !strings.Contains(failed.Error(), "no listening sockets available") {
			return sh, err
		}
	}
}

func tryShadow(ctx context.Context, s *httpd.Server, tree []*conf.Node, modules []string) (*shadow, error) {
	dir, lock, err := makeDir(s.Config.StateDir)
	if err != nil {
		return nil, err
	}
	sh := &shadow{dir: dir, lock: lock}
	if err := writeShadow(s, sh, tree, modules); err != nil {
		sh.stop(s.Config.Logger())
		return nil, fmt.Errorf("writing the shadow configuration: %w", err)
	}
	if err := sh.start(ctx, s); err != nil {
		sh.stop(s.Config.Logger())
		return nil, err
	}
	return sh, nil
}

// moreFiles runs httpd with as many open files as it may have: each virtual host
// of a shadow has a log, and many have an address. A login shell's 1024 would do
// for some hundred only; Debian's apache2ctl raises it for the live one, too.
const moreFiles = `ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)" 2>/dev/null; exec "$@"`

func (sh *shadow) start(ctx context.Context, s *httpd.Server) error {
	began := time.Now()
	sh.proc = exec.Command("/bin/sh", "-c", moreFiles, "sh", s.Binary, "-d", sh.dir, "-f", filepath.Join(sh.dir, "shadow.conf"), "-DFOREGROUND",
		"-E", filepath.Join(sh.dir, "start.log"))
	sh.proc.Env, sh.proc.Dir = s.Env(), "/"
	// Pdeathsig: the shadow ends with us, also when we are killed.
	sh.proc.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error, 1)
	sh.ended = make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig is about the thread that started it
		defer runtime.UnlockOSThread()
		err := sh.proc.Start()
		started <- err
		if err == nil {
			sh.ended <- sh.proc.Wait()
		}
	}()
	if err := <-started; err != nil {
		sh.proc = nil
		return fmt.Errorf("starting the shadow Apache: %w", err)
	}
	err := sh.wait(ctx)
	sh.Took = time.Since(began)
	return err
}

// wait returns when the shadow is configured, or with the reason why not.
func (sh *shadow) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shadowTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-sh.ended:
			sh.ended <- err
			return &DeadError{sh.explain()}
		case <-ctx.Done():
			return fmt.Errorf("waiting for the shadow Apache: %w", ctx.Err())
		case <-tick.C:
			if sh.ready() {
				return nil
			}
		}
	}
}

// ready reads httpd's own word (AH00489). A port that answers is no sign: the
// sockets are open before keys and ciphers are looked at.
func (sh *shadow) ready() bool {
	text, err := os.ReadFile(filepath.Join(sh.dir, "error-0.log"))
	return err == nil && bytes.Contains(text, []byte("resuming normal operations"))
}

// stop ends the shadow and removes its directory; it always succeeds in
// ending it, because it kills the group when asking does not help.
func (sh *shadow) stop(log *slog.Logger) {
	if sh.proc != nil {
		pid := sh.proc.Process.Pid
		sh.proc.Process.Signal(syscall.SIGTERM)
		select {
		case <-sh.ended:
		case <-time.After(5 * time.Second):
			log.Warn("the shadow Apache had to be killed", "pid", pid)
			syscall.Kill(-pid, syscall.SIGKILL)
			<-sh.ended
		}
		syscall.Kill(-pid, syscall.SIGKILL) // workers that outlived the parent
	}
	defer sh.lock.Release()
	if err := os.RemoveAll(sh.dir); err != nil {
		log.Warn("removing the shadow's directory failed", "dir", sh.dir, "err", err)
	}
}

var openSSLVersion = regexp.MustCompile(`OpenSSL/(\d+\.\d+\.\d+)`)

// OpenSSL starts an empty shadow and reads which library it loaded; it
// may be another one than mod_ssl was built with.
func OpenSSL(ctx context.Context, s *httpd.Server) (string, error) {
	sh, err := startShadow(ctx, s, nil, s.Modules)
	if err != nil {
		return "", fmt.Errorf("finding the OpenSSL of httpd: %w", err)
	}
	defer sh.stop(s.Config.Logger())
	text, err := os.ReadFile(filepath.Join(sh.dir, "error-0.log"))
	if err != nil {
		return "", fmt.Errorf("finding the OpenSSL of httpd: %w", err)
	}
	m := openSSLVersion.FindSubmatch(text)
	if m == nil {
		return "", errors.New("finding the OpenSSL of httpd: its log names none")
	}
	return string(m[1]), nil
}

const shadowTimeout = 20 * time.Second
