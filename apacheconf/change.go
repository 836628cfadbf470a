package apacheconf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tlskeeper/internal/durable"
)

// FileChange is one file or symbolic link as it is and as it shall be. It
// holds everything that is needed to undo it byte for byte.
type FileChange struct {
	Path     string     `json:"path"`
	Internal bool       `json:"internal,omitempty"` // our own book-keeping: not part of the diff
	Edit     bool       `json:"edit,omitempty"`     // a file of the admin, in which only our lines change
	Old      *FileState `json:"old"`                // nil: does not exist
	New      *FileState `json:"new"`                // nil: is removed
}

// FileState is the content of a file, or the target of a link.
type FileState struct {
	Data   []byte      `json:"data,omitempty"`
	Mode   fs.FileMode `json:"mode,omitempty"`
	UID    int         `json:"uid"`
	GID    int         `json:"gid"`
	MTime  time.Time   `json:"mtime,omitzero"`
	Target string      `json:"target,omitempty"` // a symbolic link
}

func (s *FileState) same(o *FileState) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.Target == o.Target && bytes.Equal(s.Data, o.Data) && (s.Target != "" || s.Mode.Perm() == o.Mode.Perm())
}

// readState looks at path without following a link.
func readState(path string) (*FileState, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return &FileState{Target: target}, err
	}
	data, err := readRegular(path)
	if err != nil {
		return nil, err
	}
	s := &FileState{Data: data, Mode: info.Mode().Perm(), UID: -1, GID: -1, MTime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.UID, s.GID = int(st.Uid), int(st.Gid)
	}
	return s, nil
}

// planFile is the change that gives path this content and mode; the owner of
// an existing file stays.
func planFile(path string, data []byte, mode fs.FileMode) (FileChange, error) {
	old, err := readState(path)
	if err != nil {
		return FileChange{}, fmt.Errorf("reading %s: %w", path, err)
	}
	next := &FileState{Data: data, Mode: mode, UID: -1, GID: -1}
	if old != nil && old.Target == "" {
		next.UID, next.GID = old.UID, old.GID
	}
	return FileChange{Path: path, Old: old, New: next}, nil
}

func planLink(path, target string) (FileChange, error) {
	old, err := readState(path)
	if err != nil {
		return FileChange{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return FileChange{Path: path, Old: old, New: &FileState{Target: target}}, nil
}

func planRemoval(path string) (FileChange, error) {
	old, err := readState(path)
	if err != nil {
		return FileChange{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return FileChange{Path: path, Old: old}, nil
}

// put makes path be s, durably and at once.
func put(path string, s *FileState) error {
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

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
