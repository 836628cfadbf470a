// Package owner keeps root out of directories that belong to somebody else:
// it tells whose a directory is, opens files without following anybody's links,
// and runs this program again as the owner, with nothing of root's but the
// files it is handed.
//
// Looking at links before a file is opened is no answer: the owner of a
// directory may exchange what lies in it between the look and the opening.
// Whoever has no more rights than that owner has nothing to lose by it.
//
// It imports internal/hint and internal/safepath of this module.
package owner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
)

// Owner is who may change what lies in a directory.
type Owner struct{ UID, GID uint32 }

// IsRoot tells whether nobody but root may.
func (o Owner) IsRoot() bool { return o.UID == 0 }

// OfFile finds the owner of the directory that the file at path lies in, following
// the links of root alone. A directory that is not there yet belongs to whoever
// owns the nearest one above it that is.
//
// Where root's own directory on the way lets others make files in it, or where
// two users have a part of the way, nobody can be told, and that is the error. In
// one of root's in which everybody may make files (/tmp), that file, and each whose name has one
// of the suffixes more, must be root's or not there: such a file of theirs is an
// error.
func OfFile(path string, suffixes ...string) (Owner, error) {
	w, err := walk(filepath.Dir(path), false)
	if err != nil {
		return Owner{}, err
	}
	defer w.close()
	if len(w.left) > 0 || !w.owner.IsRoot() || safepath.Directory(w.at, w.path) == nil {
		return w.owner, nil
	}
	for _, suffix := range append([]string{""}, suffixes...) {
		if err := w.roots(filepath.Base(path) + suffix); err != nil {
			return Owner{}, err
		}
	}
	return w.owner, nil
}

// roots tells whether name, where w stands, is root's or not there.
func (w *way) roots(name string) error {
	path := filepath.Join(w.path, name)
	var st unix.Stat_t
	switch err := unix.Fstatat(w.at, name, &st, unix.AT_SYMLINK_NOFOLLOW); {
	case err == unix.ENOENT || err == nil && st.Uid == 0:
		return nil
	case err != nil:
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return hint.Wrap(fmt.Errorf("%s: a file of user %d, in a directory where everybody may make files", path, st.Uid),
		"put it into a directory of its owner's or of root's own")
}

// Open opens a regular file for reading, never waiting for anybody (a FIFO
// would), and follows no link but root's own in a directory of root's: what
// root reads for another user must be what root was shown. In a directory that
// is not root's, a file with a second name is refused, too: it may be anybody's.
func Open(path string) (*os.File, error) {
	w, err := walk(filepath.Dir(path), true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	return w.file(filepath.Base(path))
}

// way is a path being walked from the root, one component at a time.
type way struct {
	at      int    // descriptor of where it stands
	path    string // the same in words
	left    []string
	links   int
	owner   Owner
	reading bool // the way may lead through the directories of several users
}

// maxLinks is the kernel's own bound (path_resolution(7)).
const maxLinks = 40

const openPath = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC

func walk(dir string, reading bool) (*way, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open("/", openPath|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/", Err: err}
	}
	w := &way{at: fd, path: "/", left: components(abs), reading: reading}
	for len(w.left) > 0 {
		if done, err := w.step(); done || err != nil {
			if err != nil {
				w.close()
			}
			return w, err
		}
	}
	return w, nil
}

func (w *way) close() { unix.Close(w.at) }

func components(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// step takes the next component; done where it is not there and need not be.
func (w *way) step() (done bool, err error) {
	name := w.left[0]
	fd, err := unix.Openat(w.at, name, openPath, 0)
	if err == unix.ENOENT && !w.reading {
		return true, nil
	}
	path := filepath.Join(w.path, name)
	if err != nil {
		return false, &os.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return false, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	w.left = w.left[1:]
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		defer unix.Close(fd)
		return false, w.follow(fd, path, st)
	}
	return false, w.enter(fd, path, st)
}

// enter goes into the directory at fd.
func (w *way) enter(fd int, path string, st unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		unix.Close(fd)
		return &os.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	w.close()
	w.at, w.path = fd, path
	// In a sticky directory others may add files, and not touch root's.
	if st.Uid == 0 && st.Mode&unix.S_ISVTX == 0 && !w.reading {
		if err := safepath.Directory(fd, path); err != nil {
			return err
		}
	}
	return w.meet(path, st)
}

// follow goes where root's link at fd points to.
func (w *way) follow(fd int, path string, st unix.Stat_t) error {
	if st.Uid != 0 || !w.owner.IsRoot() {
		return hint.Wrap(fmt.Errorf("%s: a link that another user may change: root does not follow it", path), "name the file by its own path")
	}
	if w.links++; w.links > maxLinks {
		return &os.PathError{Op: "open", Path: path, Err: unix.ELOOP}
	}
	to := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", to)
	if err != nil {
		return &os.PathError{Op: "readlink", Path: path, Err: err}
	}
	return w.turn(string(to[:n]))
}

// turn puts the target of a link before what is left of the way.
func (w *way) turn(target string) error {
	w.left = append(components(target), w.left...)
	if !filepath.IsAbs(target) {
		return nil
	}
	fd, err := unix.Open("/", openPath|unix.O_DIRECTORY, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/", Err: err}
	}
	w.close()
	w.at, w.path = fd, "/"
	return nil
}

// meet notes whose directory was entered.
func (w *way) meet(path string, st unix.Stat_t) error {
	switch {
	case st.Uid == 0:
		return nil
	case w.owner.IsRoot() || w.owner.UID == st.Uid:
		w.owner = Owner{st.Uid, st.Gid}
		return nil
	case w.reading:
		return nil
	}
	return hint.Wrap(fmt.Errorf("%s: the way there leads through directories of two users, %d and %d", path, w.owner.UID, st.Uid),
		"put it into a directory of one user, below directories of root's")
}

// file opens name where w stands, by way of the link of root's that it may be.
func (w *way) file(name string) (*os.File, error) {
	path := filepath.Join(w.path, name)
	fd, err := unix.Openat(w.at, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == unix.ELOOP {
		return w.linked(name)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if err := w.ordinary(fd, path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// linked follows root's link of that name to the end.
func (w *way) linked(name string) (*os.File, error) {
	w.left = []string{name}
	if _, err := w.step(); err != nil {
		return nil, err
	}
	for len(w.left) > 1 {
		if _, err := w.step(); err != nil {
			return nil, err
		}
	}
	if len(w.left) == 0 {
		return nil, &os.PathError{Op: "open", Path: w.path, Err: unix.EISDIR}
	}
	return w.file(w.left[0])
}

func (w *way) ordinary(fd int, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return &os.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	case st.Nlink > 1 && !w.owner.IsRoot():
		return hint.Wrap(&os.PathError{Op: "open", Path: path, Err: ErrSecondName}, "copy it to a directory of root's, and read the copy")
	}
	return nil
}
