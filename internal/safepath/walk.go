package safepath

import (
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is the kernel's bound (path_resolution(7)).
const maxLinks = 40

// place is something on the way, held by an O_PATH descriptor, which needs no
// right to read it.
type place struct {
	fd       int
	path     string // full, without links in it
	uid, gid int
	mode     uint32 // with the type: S_IFMT
}

func (p place) is(kind uint32) bool { return p.mode&unix.S_IFMT == kind }
func (p place) regular() bool       { return p.is(unix.S_IFREG) }

func stat(fd int, name string) (place, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return place{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return place{fd: fd, path: name, uid: int(st.Uid), gid: int(st.Gid), mode: st.Mode}, nil
}

// walk is on its way along a path.
type walk struct {
	who    identity
	dir    place    // the directory that at lies in
	at     place    // where we are; its fd is dir's at the root
	name   string   // of at in dir
	rest   []string // names to go
	links  int
	faults []fault
}

// follow goes to the end of name. After an error nothing is open.
func follow(name string, who identity) (*walk, error) {
	full := name
	if !path.IsAbs(name) {
		wd, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		full = wd + "/" + name // not cleaned: a/link/.. is not a
	}
	w := &walk{who: who, dir: place{fd: -1}, at: place{fd: -1}, rest: strings.Split(full, "/")}
	err := w.root()
	for err == nil && w.next() {
		err = w.step()
	}
	if err != nil {
		w.close()
		return nil, w.sooner(name, err)
	}
	return w, nil
}

// sooner is err for name, or the verdict on the way so far: a file that is
// missing where others may put one is not simply missing.
func (w *walk) sooner(name string, err error) error {
	if verdict := w.verdict(name); verdict != nil {
		return verdict
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// next drops what is no step: empty names and single dots.
func (w *walk) next() bool {
	for len(w.rest) > 0 && (w.rest[0] == "" || w.rest[0] == ".") {
		w.rest = w.rest[1:]
	}
	return len(w.rest) > 0
}

// root goes to /.
func (w *walk) root() error {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return w.arrive(fd, "/", ".")
}

// step takes the next name.
func (w *walk) step() error {
	name := w.rest[0]
	w.rest = w.rest[1:]
	fd, err := unix.Openat(w.at.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := w.arrive(fd, path.Join(w.at.path, name), name); err != nil {
		return err
	}
	if w.at.is(unix.S_IFLNK) {
		return w.turn()
	}
	return nil
}

// arrive makes fd where we are, and judges it.
func (w *walk) arrive(fd int, full, name string) error {
	closeFD(w.dir.fd)
	w.dir, w.name = w.at, name
	w.at = place{fd: fd}
	at, err := stat(fd, full)
	if err != nil {
		return err
	}
	w.at = at
	last := !w.next()
	w.faults = append(w.faults, w.who.judge(at, last)...)
	return nil
}

// turn follows the link that we are at. Not one that others may have made, or
// put there: whatever it leads to is their choice, and so no place to name in
// a hint.
func (w *walk) turn() error {
	if len(w.faults) > 0 {
		w.rest = nil
		return nil
	}
	if w.links++; w.links > maxLinks {
		return unix.ELOOP
	}
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(w.at.fd, "", target)
	if err != nil {
		return err
	}
	to := string(target[:n])
	w.rest = append(strings.Split(to, "/"), w.rest...)
	if path.IsAbs(to) {
		return w.root()
	}
	closeFD(w.at.fd)
	w.at, w.dir = w.dir, place{fd: -1}
	return nil
}

func (w *walk) close() {
	closeFD(w.dir.fd)
	closeFD(w.at.fd)
	w.dir.fd, w.at.fd = -1, -1
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
