// Package safepath tells whether somebody else could change a file that we are
// about to run or to believe. Root runs hooks and reads a configuration that
// names them: whoever may write one of these, or a directory on the way to it,
// is root. So for root everything on the way must be root's to change alone;
// for any other user, theirs or root's.
//
// A path is followed as the kernel does it (path_resolution(7)), each name
// opened in the directory that was judged before it, so that nothing can be
// exchanged between the look and the use. What holds for each step:
//
//   - The owner is root, or the user we run as. That goes for links too.
//   - A group may write only if it is root's, or when we are not root our own:
//     a umask of 002 makes such files. An access list (acl(5)) may give nobody
//     else the right.
//   - The world may not write. In a directory with the sticky bit (/tmp) it may:
//     there only its owner can take an entry away (unlink(2)), and who owns the
//     entry is the next step's question.
//
// It imports internal/hint of this module and nothing else of it.
package safepath

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"tlskeeper/internal/hint"
)

// maxFile bounds what ReadFile reads, in bytes: configurations, keys, requests
// and roots are a few kilobytes, a bundle of all public roots 250.
const maxFile = 1 << 20

// Error says who else may change a file. Its hint is the line that ends that.
type Error struct {
	Path string
	Why  string // what is open on the way, to whom; not beginning with Path
}

func (e *Error) Error() string { return e.Path + ": others may change it: " + e.Why }

// Check returns an *Error where others may change what is at path, and an
// *fs.PathError where it cannot be looked at. To be called right before path is
// used by name: as only the trusted may change what leads to it, it stays so.
func Check(path string) error {
	w, err := follow(path, us())
	if err != nil {
		return err
	}
	defer w.close()
	return w.verdict(path)
}

// Open opens a regular file for reading, errors as for Check. It judges what it
// opened, not only what had the name before.
func Open(path string) (*os.File, error) {
	w, err := follow(path, us())
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.verdict(path); err != nil {
		return nil, err
	}
	if !w.at.regular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a file")}
	}
	return w.open(path)
}

// ReadFile reads a file of at most 1 MiB, errors as for Open.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("too big (more than %d bytes)", maxFile)}
	}
	return data, err
}

// open opens the last step in its directory. Root may have put another file
// there since: that one is judged.
func (w *walk) open(path string) (*os.File, error) {
	fd, err := unix.Openat(w.dir.fd, w.name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	opened, err := stat(fd, w.at.path)
	if err == nil {
		w.faults = w.who.judge(opened, true)
		err = w.verdict(path)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// verdict is nil where nothing on the way is open to others.
func (w *walk) verdict(path string) error {
	if len(w.faults) == 0 {
		return nil
	}
	return hint.Wrap(&Error{Path: path, Why: tell(w.faults)}, remedy(w.faults))
}
