package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/regular"
)

// openError says why the database at path cannot be opened, and what to do.
func openError(path string, err error) error {
	if isBusy(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("opening the log database %s: %w", path, err)
	}
	if d := Damaged(path, err); d != nil {
		return d
	}
	out := fmt.Errorf("opening the log database %s: %w", path, regular.Cause(err))
	switch locked := unwritable(path); {
	case locked != nil && isCode(err, sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrReadonly):
		return hint.Wrap(fmt.Errorf("opening the log database %s: %w", path, locked),
			"the agent's user must own "+filepath.Dir(path)+", on a file system that is mounted for writing; a question needs the -wal and -shm files beside the database, or none of them")
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(out, "the agent makes it (systemctl start tlskeeper), or: tlskeeper import FILE...; or name it with --db")
	case errors.Is(err, fs.ErrPermission), isCode(err, sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrReadonly):
		return hint.Wrap(out, "run as root, or as a member of the group that may read "+path)
	}
	return out
}

// unwritable says which of the database and its directory may not be written.
// SQLite, which misses a file there that it may not make, says "no such file or
// directory" of it.
func unwritable(path string) error {
	for _, p := range []string{filepath.Dir(path), path} {
		if err := unix.Access(p, unix.W_OK); err != nil {
			return fmt.Errorf("%s cannot be written: %w", p, err)
		}
	}
	return nil
}

// Damaged words an error of SQLite that says that the file at path is no
// database, or not a whole one any more; nil for all others.
func Damaged(path string, err error) error {
	switch {
	case isCode(err, sqlite3.ErrNotADB):
		return fmt.Errorf("%s: not a SQLite database", path)
	case isCode(err, sqlite3.ErrCorrupt):
		return hint.Wrap(fmt.Errorf("%s: the database is damaged: %w", path, err),
			damagedHint)
	}
	return nil
}

const damagedHint = "stop the agent, move the file away and take the logs in again: tlskeeper import FILE...; sqlite3 FILE .recover may save what they no longer hold"

func isCode(err error, codes ...sqlite3.ErrNo) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	for _, code := range codes {
		if ok && e.Code == code {
			return true
		}
	}
	return false
}
