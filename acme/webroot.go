package acme

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// webroot proves by a file under a directory that Apache serves on port 80.
type webroot struct{ dir string }

// wellKnown is the path below the webroot (RFC 8555, section 8.3).
var wellKnown = []string{".well-known", "acme-challenge"}

// present writes the file. Modes are set by chmod: under a umask of 0077, which
// hardened units have, Apache could not read it otherwise. The directories stay
// when it is withdrawn.
func (w webroot) present(_ context.Context, p proof) error {
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

func (webroot) write(dir *os.Root, p proof) error {
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

func (w webroot) withdraw(_ context.Context, p proof) error {
	if !token.MatchString(p.Token) {
		return fmt.Errorf("the token %q is not base64url", plain(p.Token))
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

func (webroot) close() error { return nil }

// open walks down to the challenge directory. The webroot itself may be a
// link, as admins make them; below it no link is followed, because the web
// application may own what is there and we are root.
func (w webroot) open(create bool) (*os.Root, error) {
	dir, err := os.OpenRoot(w.dir)
	for _, name := range wellKnown {
		if err != nil {
			return nil, err
		}
		dir, err = descend(dir, name, create)
	}
	return dir, err
}

// descend opens a directory of parent, which it closes.
func descend(parent *os.Root, name string, create bool) (*os.Root, error) {
	defer parent.Close()
	info, err := parent.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err = makePublic(parent, name); err == nil {
			info, err = parent.Lstat(name)
		}
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s in it is a link or a file, not a directory", name)
	}
	return parent.OpenRoot(name)
}

func makePublic(parent *os.Root, name string) error {
	err := parent.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) { // by the proof of another name
		return nil
	}
	if err != nil {
		return err
	}
	return parent.Chmod(name, 0o755)
}
