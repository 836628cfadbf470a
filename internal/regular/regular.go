// Package regular opens files that somebody else named or made, and waits for
// nobody: of a FIFO, a device or a directory it says that it is not a regular file.
//
// It imports the standard library only.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// errNotRegular is what there is under a name that should be a file's.
var errNotRegular = errors.New("not a regular file")

// Open opens the file at path for reading, and tells what was opened. Errors are
// of type *fs.PathError. O_NONBLOCK keeps the opening of a FIFO from waiting for
// a writer (fifo(7)); it changes nothing for regular files (open(2)).
func Open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Cause is err without the operation and the path of a file, for a message that
// has named them already.
func Cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// Read reads a regular file of at most limit bytes; a longer one is an error.
func Read(path string, limit int64) ([]byte, error) {
	f, _, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("reading %s: longer than %d bytes", path, limit)
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}
