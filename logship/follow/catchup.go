package follow

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"tlskeeper/internal/regular"
	"tlskeeper/logship/lines"
	"tlskeeper/logship/store"
)

// found is a rotated file beside the log.
type found struct {
	sibling
	info fs.FileInfo
	head []byte
	pos  *store.File // nil when it was never seen
}

// catchUp opens the rotated files of the log that have bytes we have not read:
// files known by inode or by their beginning (renamed, compressed, or copied by
// copytruncate), and files never seen, which came and went while nobody looked.
func (f *Follower) catchUp(ctx context.Context) error {
	list, err := siblings(f.path)
	if err != nil {
		return fmt.Errorf("looking for rotated files: %w", err)
	}
	for _, s := range f.identify(list) {
		if !f.isOurs(s) {
			continue
		}
		r, err := f.openSibling(s)
		if err != nil {
			f.log.Warn("opening a rotated file", "file", s.path, "err", err)
		}
		if r != nil {
			f.insert(r)
		}
	}
	f.caught = true
	return ctx.Err()
}

// isOurs tells whether s is to be read: it is not read already, and if it is
// known, then as this log and not as one that was imported or was there before us.
func (f *Follower) isOurs(s found) bool {
	if s.pos == nil {
		return s.kind != byHand
	}
	return s.pos.Path == f.path && s.pos.Inode != 0 && !f.isTaken(s.pos)
}

// insert puts an old file before the current one: its lines are older.
func (f *Follower) insert(r *reader) {
	at := len(f.open)
	if f.current != nil {
		at--
	}
	f.open = slices.Insert(f.open, at, r)
}

// identify compares each sibling with what is known.
func (f *Follower) identify(list []sibling) []found {
	var all []found
	for _, s := range list {
		file, info, err := regular.Open(s.path)
		if err != nil {
			f.log.Warn("opening a rotated file", "file", s.path, "err", unreadable(err))
			continue
		}
		head, err := headOf(s.path, file)
		file.Close()
		if err != nil {
			f.log.Warn("opening a rotated file", "file", s.path, "err", err)
			continue
		}
		all = append(all, found{s, info, head, matchRotated(f.known, info, head)})
	}
	return all
}

func headOf(path string, file *os.File) ([]byte, error) {
	if !isPacked(path) {
		return lines.Head(file)
	}
	p, err := lines.OpenPacked(file)
	if err != nil {
		return nil, err
	}
	return lines.Head(p)
}

// isTaken tells whether k is being read.
func (f *Follower) isTaken(k *store.File) bool {
	for _, r := range f.open {
		if r.pos == k {
			return true
		}
	}
	return false
}

// openSibling opens s where its reader stopped; nil when nothing can be left.
func (f *Follower) openSibling(s found) (*reader, error) {
	file, info, err := regular.Open(s.path)
	if err != nil {
		return nil, err
	}
	pos := s.pos
	if pos == nil {
		pos = newFile(f.path, info)
	}
	var r *reader
	switch {
	case isPacked(s.path):
		if lines.HoldsMore(file, pos.Offset) {
			r, err = f.unpack(s.path, file, pos)
		}
	case info.Size() > pos.Offset || f.sink.now().Sub(settled(info)) <= f.quiet:
		pos.Dev, pos.Inode = inode(info)
		r = newReader(s.path, file, info, pos)
	}
	if r == nil {
		file.Close()
		return nil, err
	}
	if s.pos == nil {
		f.known = append(f.known, pos)
	}
	f.log.Info("reading a rotated file", "file", s.path, "offset", pos.Offset)
	return r, nil
}

func (f *Follower) unpack(path string, file *os.File, pos *store.File) (*reader, error) {
	p, err := lines.OpenPacked(file)
	if err != nil {
		return nil, err
	}
	return newPackedReader(path, p, pos), nil
}
