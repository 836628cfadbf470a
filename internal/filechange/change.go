// Package filechange is a file or a symbolic link as it is and as it shall be:
// its difference for a person to read, its writing, and all that its undoing
// needs.
//
// It may import internal/{durable,regular,term}.
package filechange

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/regular"
)

// Change is one file or symbolic link as it is and as it shall be. It
// holds everything that is needed to undo it byte for byte.
type Change struct {
	Path     string `json:"path"`
	Internal bool   `json:"internal,omitempty"` // our own book-keeping: not part of the diff
	Edit     bool   `json:"edit,omitempty"`     // a file of the admin, in which only our lines change
	Old      *State `json:"old"`                // nil: does not exist
	New      *State `json:"new"`                // nil: is removed
}

// State is the content of a file, or the target of a link.
type State struct {
	Data   []byte      `json:"data,omitempty"`
	Mode   fs.FileMode `json:"mode,omitempty"`
	UID    int         `json:"uid"`
	GID    int         `json:"gid"`
	MTime  time.Time   `json:"mtime,omitzero"`
	Target string      `json:"target,omitempty"` // a symbolic link
}

// Same tells whether both have the same content and mode; owner and time are
// no difference. Nil is the same as nil.
func (s *State) Same(o *State) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.Target == o.Target && bytes.Equal(s.Data, o.Data) && (s.Target != "" || s.Mode.Perm() == o.Mode.Perm())
}

// maxFile bounds what is read of one file.
const maxFile = 32 << 20

// Read looks at path without following a link.
func Read(path string) (*State, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return &State{Target: target}, err
	}
	data, err := regular.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	s := &State{Data: data, Mode: info.Mode().Perm(), UID: -1, GID: -1, MTime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.UID, s.GID = int(st.Uid), int(st.Gid)
	}
	return s, nil
}

// PlanFile is the change that gives path this content and mode; the owner of
// an existing file stays.
func PlanFile(path string, data []byte, mode fs.FileMode) (Change, error) {
	old, err := Read(path)
	if err != nil {
		return Change{}, fmt.Errorf("reading %s: %w", path, err)
	}
	next := &State{Data: data, Mode: mode, UID: -1, GID: -1}
	if old != nil && old.Target == "" {
		next.UID, next.GID = old.UID, old.GID
	}
	return Change{Path: path, Old: old, New: next}, nil
}

// PlanLink is the change that makes path a symbolic link to target.
func PlanLink(path, target string) (Change, error) {
	old, err := Read(path)
	if err != nil {
		return Change{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return Change{Path: path, Old: old, New: &State{Target: target}}, nil
}

// PlanRemoval is the change that takes path away.
func PlanRemoval(path string) (Change, error) {
	old, err := Read(path)
	if err != nil {
		return Change{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return Change{Path: path, Old: old}, nil
}

// Put makes path be s, durably and at once.
func Put(path string, s *State) error {
	switch {
	case s == nil:
		return durable.Remove(path)
	case s.Target != "":
		return durable.Symlink(s.Target, path)
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := durable.WriteFile(path, s.Data, s.Mode.Perm()); err != nil {
		return err
	}
	if s.UID >= 0 && os.Geteuid() == 0 {
		if err := os.Chown(path, s.UID, s.GID); err != nil {
			return err
		}
	}
	if !s.MTime.IsZero() {
		return os.Chtimes(path, s.MTime, s.MTime)
	}
	return nil
}
