package follow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"tlskeeper/logship/lines"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// reader is one file being read, whatever its name is by now.
type reader struct {
	src  source
	name string      // that it was opened by, for messages
	file *os.File    // nil for a packed one
	pos  *store.File // place in the store
	told bool        // whether the store knows pos as it is
	cut  *lines.Cutter
	seen fs.FileInfo // when its beginning was last compared
	grew time.Time   // when it was last seen to have more
	end  bool        // no more can come: packed
}

// source is what a file is read through.
type source interface {
	io.ReaderAt
	io.Closer
}

func newReader(name string, f *os.File, info fs.FileInfo, pos *store.File) *reader {
	return &reader{src: f, name: name, file: f, pos: pos, seen: info, grew: settled(info),
		cut: lines.NewCutter(f, pos.Offset)}
}

func newPackedReader(name string, p *lines.Packed, pos *store.File) *reader {
	return &reader{src: p, name: name, pos: pos, end: true, cut: lines.NewCutter(p, pos.Offset)}
}

// maxChunks bounds what one file may take of a turn, so that a long one does
// not keep the others waiting.
const maxChunks = 16

// Sink is where lines go.
type Sink struct {
	store *store.Store
	ship  bool
	buf   []byte // one chunk, shared by all readers
	tally *tally.Tally
	now   func() time.Time
}

// NewSink is for the followers of one agent, which take turns. With ship, lines
// are queued for shipping, too.
func NewSink(s *store.Store, ship bool, t *tally.Tally) *Sink {
	return &Sink{store: s, ship: ship, buf: make([]byte, lines.Chunk), tally: t, now: time.Now}
}

// drain stores what r has. more is true when it stopped before the end.
func (k *Sink) drain(ctx context.Context, r *reader) (more bool, err error) {
	if !r.told { // also an empty file is worth a row: after a pause it is known to be ours
		if err := k.store.Append(ctx, r.pos, nil, r.pos.Offset, k.ship); err != nil {
			return false, err
		}
		r.told = true
	}
	for range maxChunks {
		list, end, err := r.cut.Next(k.buf)
		if err != nil || end == r.cut.At() {
			return false, err
		}
		if err := k.take(ctx, r, list, end); errors.Is(err, errReplaced) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// errReplaced means that the file was truncated under the reader. The next turn
// sees to it.
var errReplaced = errors.New("the file was replaced while it was read")

// take stores list and moves r on to end, both or neither. The file's
// beginning is compared once more after the lines were read: if it is the old
// one, they are of the old content, too.
func (k *Sink) take(ctx context.Context, r *reader, list []store.Line, end int64) error {
	pos := *r.pos
	head, err := lines.Head(r.src)
	if err != nil {
		return err
	}
	if pos.FingerprintLen > 0 && !pos.Begins(head) || int64(len(head)) < min(end, store.FingerprintSize) {
		return errReplaced
	}
	if n := min(end, store.FingerprintSize); n > pos.FingerprintLen {
		if r.cut.At() == 0 && end <= lines.Chunk && !bytes.HasPrefix(head, k.buf[:n]) {
			return errReplaced
		}
		pos.SetFingerprint(head[:n])
	}
	if err := k.store.Append(ctx, &pos, list, end, k.ship); err != nil {
		if ctx.Err() == nil {
			k.tally.Paused(k.now(), err.Error())
		}
		return err
	}
	*r.pos = pos
	r.cut.Advance(end)
	r.grew = k.now()
	k.tally.Stored(len(list), r.grew)
	return nil
}

// lastLine stores what is behind the last newline of a file that is finished.
func (k *Sink) lastLine(ctx context.Context, r *reader) error {
	list, end, err := r.cut.Rest(k.buf)
	if err != nil || end == r.cut.At() {
		return err
	}
	return k.take(ctx, r, list, end)
}

// changed tells whether f's size or time differ from when its beginning was
// last compared, and remembers them.
func (r *reader) changed(info fs.FileInfo) bool {
	same := r.seen != nil && r.seen.Size() == info.Size() && r.seen.ModTime().Equal(info.ModTime())
	r.seen = info
	return !same
}

// replaced tells whether the content that r has read is gone: the file is
// shorter than that, or begins otherwise. A truncated file that has regrown
// past the old place is found by the second alone.
func (r *reader) replaced(size int64) (bool, error) {
	if size < r.pos.Offset {
		return true, nil
	}
	if r.pos.FingerprintLen == 0 {
		return false, nil
	}
	head, err := lines.Head(r.src)
	return err == nil && !r.pos.Begins(head), err
}
