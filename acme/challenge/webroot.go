package challenge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

// webroot proves by a file under a directory that Apache serves on port 80.
type webroot struct {
	dir    string
	making *sync.Mutex // of directories: proofs are presented at the same time
}

func newWebroot(dir string) webroot { return webroot{dir, new(sync.Mutex)} }

// wellKnown is the path below the webroot (RFC 8555, section 8.3).
var wellKnown = []string{".well-known", "acme-challenge"}

// Present writes the file. Modes are set by chmod: under a umask of 0077, which
// hardened units have, Apache could not read it otherwise. The directories stay
// when it is withdrawn.
func (w webroot) Present(_ context.Context, p Proof) error {
	if !token.MatchString(p.Token) {
		return fmt.Errorf("the token %q is not base64url", term.Brief(p.Token))
	}
	err := fs.ErrNotExist
	for try := 0; try < 10 && errors.Is(err, fs.ErrNotExist); try++ { // another process makes, or takes away, what we are about to use
		err = w.tryPresent(p)
	}
	return err
}

func (w webroot) tryPresent(p Proof) error {
	dir, err := w.open(true)
	if err != nil {
		return fmt.Errorf("preparing the webroot %s: %w", w.dir, err)
	}
	defer dir.Close()
	if err := w.write(dir, p); err != nil {
		return fmt.Errorf("writing the challenge below %s: %w", w.dir, err)
	}
	return nil
}

func (webroot) write(dir *os.Root, p Proof) error {
	f, err := dir.OpenFile(p.Token, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // of a run that was killed, or a planted link: replaced, never followed
		if err = dir.Remove(p.Token); err == nil {
			f, err = dir.OpenFile(p.Token, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(p.KeyAuth)
	return errors.Join(err, f.Chmod(0o644), f.Close())
}

func (w webroot) Withdraw(_ context.Context, p Proof) error {
	if !token.MatchString(p.Token) {
		return fmt.Errorf("the token %q is not base64url", term.Brief(p.Token))
	}
	dir, err := w.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cleaning the webroot %s: %w", w.dir, err)
	}
	defer dir.Close()
	if err := dir.Remove(p.Token); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cleaning the webroot %s: %w", w.dir, err)
	}
	return nil
}

func (webroot) Close() error { return nil }

// open walks down to the challenge directory. The webroot itself may be a
// link, as admins make them; below it no link is followed, because the web
// application may own what is there and we are root.
func (w webroot) open(create bool) (*os.Root, error) {
	w.making.Lock()
	defer w.making.Unlock()
	dir, err := os.OpenRoot(w.dir)
	path := w.dir
	for _, name := range wellKnown {
		if err != nil {
			return nil, err
		}
		path = filepath.Join(path, name)
		dir, err = descend(dir, name, path, create)
	}
	return dir, err
}

// descend opens a directory of parent, which it closes. Its whole path is for
// messages.
func descend(parent *os.Root, name, path string, create bool) (*os.Root, error) {
	defer parent.Close()
	info, err := parent.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		sweepUnfinished(parent, name)
		if create {
			if err = makePublic(parent, name); err == nil {
				info, err = parent.Lstat(name)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s in it is a link or a file, not a directory", name)
	}
	if create && isClosed(info) {
		err := fmt.Errorf("%s has mode %04o: the web server cannot read in it", path, info.Mode().Perm())
		return nil, hint.Wrap(err, "open it: chmod 755 "+path)
	}
	return parent.OpenRoot(name)
}

// isClosed tells a directory of root's that nobody else can enter: no web
// server answers requests as root. It is left so, somebody may have meant it.
func isClosed(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && owner.Uid == 0 && os.Geteuid() == 0 && info.Mode().Perm()&0o011 == 0
}

// unfinished is how a directory's name begins before it has its mode.
func unfinished(name string) string { return durable.TempPrefix + strings.TrimPrefix(name, ".") + "-" }

// sweepUnfinished removes what a killed run left half-made. It is empty; one
// that another process is making is made again.
func sweepUnfinished(parent *os.Root, name string) {
	entries, _ := fs.ReadDir(parent.FS(), ".")
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), unfinished(name)) {
			parent.Remove(e.Name())
		}
	}
}

// makePublic makes a directory that appears with its mode: a kill must not
// leave one that only we can read, which nothing would ever open.
func makePublic(parent *os.Root, name string) error {
	tmp := unfinished(name) + rand.Text()
	if err := parent.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	err := makeReadable(parent, tmp)
	if err == nil {
		err = parent.Rename(tmp, name)
	}
	if err != nil {
		parent.Remove(tmp)
	}
	if errors.Is(err, fs.ErrExist) { // another process was faster, and has a proof in its one
		return nil
	}
	return err
}

// makeReadable sets the mode of the directory of that name, and not of one that
// a planted link leads to.
func makeReadable(parent *os.Root, name string) error {
	named, err := parent.Lstat(name)
	if err != nil {
		return err
	}
	dir, err := parent.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	opened, err := dir.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(named, opened) {
		return fmt.Errorf("%s in it is a link", name)
	}
	return dir.Chmod(0o755)
}
