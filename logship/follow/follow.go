// Package follow reads logs through every rotation into the store: each line
// once, with the place it was read from in the same transaction.
//
// It imports logship/lines, logship/store, logship/tally, internal/hint and
// internal/regular.
package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/regular"
	"tlskeeper/logship/lines"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// Follower reads one log, whatever rotation does to its name. Apache's old
// workers go on writing to a renamed file until their requests end, which may
// be hours later, so an old file stays open until it has been quiet for long.
//
// It polls. Notification could only be a hint, as it overflows and says nothing
// of what happened while nobody listened.
type Follower struct {
	path  string
	quiet time.Duration // how long an old file must be silent to be closed
	sink  *Sink
	log   *slog.Logger

	known   []*store.File // all files of the store, oldest first
	open    []*reader     // oldest first; current is the last
	current *reader       // the file at path, nil while there is none
	caught  bool          // catchUp was done since the start
}

// New follows the log at path into k, and takes up what the store knows of files.
func New(ctx context.Context, path string, quiet time.Duration, k *Sink, log *slog.Logger) (*Follower, error) {
	files, err := k.store.Files(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the positions in %s: %w", path, err)
	}
	f := &Follower{path: path, quiet: quiet, sink: k, log: log.With("log", path)}
	for i := range files {
		f.known = append(f.known, &files[i])
	}
	return f, nil
}

// Turn looks once at everything. more is true when there is more to read at
// once. Failures are said, counted, and tried again at the next turn: a disk
// that is full or a file that may not be read now is not the end of the agent.
func (f *Follower) Turn(ctx context.Context) (more bool) {
	f.complain(ctx, "open", f.look(ctx))
	var failed error
	for _, r := range slices.Clone(f.open) {
		busy, err := f.sink.drain(ctx, r)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("following %s: %w", r.name, err))
		}
		more = more || busy
		f.report(r)
		if err != nil && r.end { // a packed file does not get better by itself
			f.drop(r)
		} else if err == nil && !busy {
			failed = errors.Join(failed, f.retire(ctx, r))
		}
	}
	f.complain(ctx, "read", failed)
	return more
}

// look compares the file at path with the one that is open as current.
func (f *Follower) look(ctx context.Context) error {
	info, err := os.Stat(f.path)
	if err != nil {
		f.release()
		return f.absent(ctx, err)
	}
	if f.current == nil || !isInode(f.current.pos, info) {
		f.release()
		return f.arrive(ctx)
	}
	if !f.current.changed(info) {
		return nil
	}
	gone, err := f.current.replaced(info.Size())
	if err != nil || !gone {
		return err
	}
	return f.truncated(ctx, info)
}

// release makes the current file an old one. It stays open; its quiet time
// begins now, however long ago its last line was.
func (f *Follower) release() {
	if f.current != nil {
		f.current.grew = f.sink.now()
	}
	f.current = nil
}

// absent notes that the log is awaited: what is found under its name later
// is then known to be new since, also after a pause.
func (f *Follower) absent(ctx context.Context, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return unreadable(err)
	}
	if f.isFirst() {
		if err := f.begin(ctx); err != nil {
			return err
		}
		if err := f.note(ctx, newFile(f.path, nil)); err != nil {
			return err
		}
	}
	if !f.caught { // what was rotated away while we were down does not wait for a successor
		if err := f.catchUp(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return ErrAwaited
}

// begin is done once in the life of a store: the rotated files that are there
// already are noted as seen and never read. They are for import. Whatever
// appears later and is not known came since.
func (f *Follower) begin(ctx context.Context) error {
	list, err := siblings(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for rotated files: %w", err)
	}
	for _, s := range f.identify(list) {
		if s.pos != nil {
			continue
		}
		k := newFile(s.path, s.info)
		if len(s.head) > 0 {
			k.SetFingerprint(s.head)
		}
		if err := f.note(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// note enters a file of which nothing is read.
func (f *Follower) note(ctx context.Context, k *store.File) error {
	if err := f.sink.store.Append(ctx, k, nil, 0, f.sink.ship); err != nil {
		return err
	}
	f.known = append(f.known, k)
	return nil
}

// ErrAwaited is said once, and is not a failure: Apache writes the log with the
// first request.
var ErrAwaited = errors.New("the log is not there yet")

func unreadable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return hint.Wrap(err, "let the agent's user read it: usermod -aG adm tlskeeper (Debian), or chgrp the log and its directory")
	}
	return err
}

// isFirst tells whether this log was never followed into this store. An import
// of it leaves no inode.
func (f *Follower) isFirst() bool {
	return !slices.ContainsFunc(f.known, func(k *store.File) bool {
		return k.Path == f.path && (k.Inode != 0 || k.FingerprintLen == 0)
	})
}

// arrive opens the file at path, and before it what was rotated away since it
// was last looked at.
func (f *Follower) arrive(ctx context.Context) error {
	file, info, err := regular.Open(f.path)
	if err != nil {
		return unreadable(err)
	}
	if err := f.take(ctx, file, info); err != nil {
		file.Close()
		return err
	}
	return f.catchUp(ctx)
}

// take makes file the current one.
func (f *Follower) take(ctx context.Context, file *os.File, info fs.FileInfo) error {
	head, err := lines.Head(file)
	if err != nil {
		return err
	}
	if f.isFirst() {
		if err := f.begin(ctx); err != nil {
			return err
		}
	}
	pos := match(f.known, info, head, f.isTaken)
	if pos == nil {
		pos = newFile(f.path, info)
		f.known = append(f.known, pos)
	}
	pos.Path = f.path
	pos.Dev, pos.Inode = inode(info)
	f.current = newReader(f.path, file, info, pos)
	f.open = append(f.open, f.current)
	f.log.Info("following", "inode", pos.Inode, "offset", pos.Offset)
	return nil
}

// truncated begins the current file anew, and looks for the copy that
// copytruncate made of what was not read in time.
func (f *Follower) truncated(ctx context.Context, info fs.FileInfo) error {
	r := f.current
	f.log.Info("the log was truncated", "offset", r.pos.Offset, "size", info.Size())
	r.pos, r.told = newFile(f.path, info), false
	r.cut = lines.NewCutter(r.src, 0)
	f.known = append(f.known, r.pos)
	return f.catchUp(ctx)
}

// retire closes a file that will not grow any more.
func (f *Follower) retire(ctx context.Context, r *reader) error {
	if r == f.current || !r.end && f.sink.now().Sub(r.grew) <= f.quiet {
		return nil
	}
	if err := f.sink.lastLine(ctx, r); err != nil {
		return fmt.Errorf("following %s: %w", r.name, err)
	}
	f.log.Debug("closing a rotated file", "inode", r.pos.Inode, "offset", r.pos.Offset)
	f.drop(r)
	return nil
}

func (f *Follower) drop(r *reader) {
	r.src.Close()
	f.open = slices.DeleteFunc(f.open, func(o *reader) bool { return o == r })
}

// Close closes the files.
func (f *Follower) Close() {
	for _, r := range f.open {
		r.src.Close()
	}
	f.open, f.current = nil, nil
}

// report says what of r could not be kept as it was.
func (f *Follower) report(r *reader) {
	d := r.cut.Damage()
	if d == (lines.Damage{}) {
		return
	}
	f.sink.tally.Damaged(d)
	f.log.Warn("the log is damaged", "file", r.name, "before", r.cut.At(),
		"lines_cut", d.Cut, "bytes_dropped", d.Dropped, "nul_bytes_skipped", d.Holes)
}

// complain says err when it is news.
func (f *Follower) complain(ctx context.Context, part string, err error) {
	if ctx.Err() != nil {
		return
	}
	reading := part == "read"
	part += " " + f.path
	switch {
	case err == nil:
		if f.sink.tally.Cleared(part) && reading {
			f.log.Info("storing goes on")
		}
	case errors.Is(err, ErrAwaited):
		if f.sink.tally.Failed(part, tally.Awaited, nil, f.sink.now()) {
			f.log.Info("the log is not there yet: waiting for it")
		}
	case f.sink.tally.Failed(part, err.Error(), err, f.sink.now()):
		tally.Warn(f.log, "following the log", err)
	}
}

// Files lists what is open and how far it was stored.
func (f *Follower) Files() []tally.File {
	var list []tally.File
	for _, r := range f.open {
		size := r.pos.Offset
		if r.file != nil {
			if info, err := r.file.Stat(); err == nil {
				size = info.Size()
			}
		}
		list = append(list, tally.File{Path: r.name, Offset: r.pos.Offset, Size: size})
	}
	return list
}
