// Package durable changes files so that a crash at any instant leaves either
// the old state or the new one on disk, never a mixture: write to a temporary
// file, fsync it, rename it, fsync the directory. Modes are set by chmod, so
// the umask has no say. It imports nothing of the project.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// TempPrefix begins the name of every temporary file and link made here, so
// that what a SIGKILL leaves behind can be told from everything else.
const TempPrefix = ".tlskeeper-tmp-"

// WriteFile replaces path with data. A reader sees the old bytes or the new
// ones. mode is set exactly.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	tmp, err := writeTemp(filepath.Dir(path), data, mode)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// writeTemp leaves data, fsynced and with its mode, in a new file of dir. The
// file is created 0600: a key is at no time readable by others.
func writeTemp(dir string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(dir, TempPrefix)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// Rename moves oldpath to newpath, which it replaces, and makes the move last.
func Rename(oldpath, newpath string) error {
	if err := os.Rename(oldpath, newpath); err != nil {
		return err
	}
	if err := SyncDir(filepath.Dir(newpath)); err != nil {
		return err
	}
	if filepath.Dir(oldpath) == filepath.Dir(newpath) {
		return nil
	}
	return SyncDir(filepath.Dir(oldpath))
}

// Symlink makes link point at target, replacing a former file or link at once.
func Symlink(target, link string) error {
	tmp, err := tempLink(target, filepath.Dir(link))
	if err != nil {
		return fmt.Errorf("linking %s: %w", link, err)
	}
	if err := Rename(tmp, link); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("linking %s: %w", link, err)
	}
	return nil
}

// tempLink makes a link under a name that nobody holds.
func tempLink(target, dir string) (string, error) {
	for range 100 {
		f, err := os.CreateTemp(dir, TempPrefix)
		if err != nil {
			return "", err
		}
		name := f.Name()
		f.Close()
		if err := os.Remove(name); err != nil {
			return "", err
		}
		if err := os.Symlink(target, name); err == nil || !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
	return "", fmt.Errorf("no free temporary name in %s", dir)
}

// Remove deletes path, and makes that last. A missing file is no error.
func Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// MkdirAll makes dir and its missing parents. Each directory that it makes
// gets exactly mode; one that exists keeps its own.
func MkdirAll(dir string, mode fs.FileMode) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("exists and is not a directory")}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := MkdirAll(filepath.Dir(dir), mode); err != nil {
		return err
	}
	return mkdir(dir, mode)
}

// MkdirBase makes dir with exactly mode, and its missing parents open (0755):
// the mode is for the last element.
func MkdirBase(dir string, mode fs.FileMode) error {
	if err := MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	return MkdirAll(dir, mode)
}

func mkdir(dir string, mode fs.FileMode) error {
	if err := os.Mkdir(dir, mode&0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := os.Chmod(dir, mode); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(dir))
}

// SyncDir makes the entries of dir last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
