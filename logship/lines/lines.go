// Package lines cuts log files into lines, for the agent that follows them and
// for the import alike: what is one line, where it begins, and what of a damaged
// one is kept is decided here and nowhere else. It also reads what rotation
// packed as if it were plain.
//
// It imports logship/store, for the form of a line.
package lines

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"tlskeeper/logship/store"
)

const (
	// Chunk is what the agent reads, and stores in one transaction, at a time.
	Chunk = 1 << 20
	// Max is the longest line kept whole, in bytes. httpd's own limits (fields of
	// 8,190 bytes, fourfold when escaped) stay far below; longer ones are damage.
	// It is also the longest message that CloudWatch takes.
	Max = 1<<20 - 26
	// most bounds the lines of one part: short ones are many in a buffer.
	most = 1 << 15
	// scanned is read at a time to find where a line longer than a buffer ends.
	scanned = 64 << 10
)

// Cutter cuts whole lines out of a file that may be growing, with memory for the
// caller's buffer. It holds no half line: bytes behind the last newline are read
// again.
type Cutter struct {
	src     io.ReaderAt
	at      int64 // first byte not handed out
	scanned int64 // bytes from at that are known to hold no newline
	damage  Damage
}

// Damage counts what was not kept as it was in the file.
type Damage struct {
	Holes   int64 // NUL bytes at the beginning of lines, left by copytruncate under a writer without O_APPEND
	Cut     int64 // lines longer than Max
	Dropped int64 // their bytes that were not kept
}

// NewCutter cuts src from the offset at, where a line begins.
func NewCutter(src io.ReaderAt, at int64) *Cutter { return &Cutter{src: src, at: at} }

// At is the offset of the first byte that was not handed out.
func (c *Cutter) At() int64 { return c.at }

// Damage tells what was damaged since it was last asked.
func (c *Cutter) Damage() Damage {
	d := c.damage
	c.damage = Damage{}
	return d
}

// Next returns the whole lines of the next part of the file and the offset behind
// them. There are none when end equals At: the rest has no newline yet. The
// lines alias buf, which must hold more than Max bytes.
func (c *Cutter) Next(buf []byte) (lines []store.Line, end int64, err error) {
	n, err := c.read(buf, 0)
	if err != nil {
		return nil, c.at, err
	}
	if whole := bytes.LastIndexByte(buf[:n], '\n') + 1; whole > 0 {
		lines, length := c.split(buf[:whole])
		return lines, c.at + int64(length), nil
	}
	if n < len(buf) {
		return nil, c.at, nil
	}
	c.scanned = max(c.scanned, int64(n))
	if found, err := c.scan(); err != nil || !found {
		return nil, c.at, err
	}
	return c.cut(buf, c.scanned, 1)
}

// Advance moves on to end, after what Next returned is stored.
func (c *Cutter) Advance(end int64) { c.at, c.scanned = end, 0 }

// Rest hands out the bytes behind the last newline as a line of their own, for
// a file to which nothing will be added. Next has found no line before.
func (c *Cutter) Rest(buf []byte) ([]store.Line, int64, error) {
	n, err := c.read(buf, 0)
	if err != nil {
		return nil, c.at, err
	}
	length := int64(n)
	if n == len(buf) { // Next has looked for a newline to the end
		length = max(length, c.scanned)
	}
	if length == 0 {
		return nil, c.at, nil
	}
	return c.cut(buf, length, 0)
}

// read fills buf from the offset from behind at; less is the end of the file.
func (c *Cutter) read(buf []byte, from int64) (int, error) {
	n, err := c.src.ReadAt(buf, c.at+from)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// split cuts the first lines of b, which ends in a newline, and tells how long
// they are together.
func (c *Cutter) split(b []byte) (lines []store.Line, length int) {
	lines = make([]store.Line, 0, min(most, bytes.Count(b, []byte{'\n'})))
	for length < len(b) && len(lines) < most {
		n := bytes.IndexByte(b[length:], '\n')
		lines = append(lines, c.line(c.at+int64(length), b[length:length+n], int64(n)))
		length += n + 1
	}
	return lines, length
}

// line is raw, the beginning of a line of length bytes, as it is kept.
func (c *Cutter) line(offset int64, raw []byte, length int64) store.Line {
	holes := len(raw) - len(bytes.TrimLeft(raw, "\x00"))
	kept := raw[holes:] // of an empty line an empty slice; TrimLeft would give nil
	kept = kept[:min(len(kept), Max)]
	c.damage.Holes += int64(holes)
	if dropped := length - int64(holes+len(kept)); dropped > 0 {
		c.damage.Cut++
		c.damage.Dropped += dropped
	}
	return store.Line{Offset: offset + int64(holes), Raw: kept}
}

// scan looks for the newline of a line that is longer than a buffer, without
// keeping what it reads; scanned is the line's length then.
func (c *Cutter) scan() (found bool, err error) {
	part := make([]byte, scanned)
	for {
		n, err := c.read(part, c.scanned)
		if err != nil {
			return false, err
		}
		if i := bytes.IndexByte(part[:n], '\n'); i >= 0 {
			c.scanned += int64(i)
			return true, nil
		}
		c.scanned += int64(n)
		if n < len(part) {
			return false, nil
		}
	}
}

// cut hands out a line of length bytes, of which buf holds the beginning, and
// the offset behind it and its newline, if there is one. A hole larger than the
// buffer is left before the beginning is read.
func (c *Cutter) cut(buf []byte, length, newline int64) ([]store.Line, int64, error) {
	var holes int64
	if buf[0] == 0 {
		var err error
		if holes, err = c.holes(buf, length); err != nil {
			return nil, c.at, err
		}
		if _, err := c.read(buf[:min(int64(len(buf)), length-holes)], holes); err != nil {
			return nil, c.at, err
		}
		c.damage.Holes += holes
	}
	rest := length - holes
	raw := buf[:min(int64(len(buf)), rest)]
	return []store.Line{c.line(c.at+holes, raw, rest)}, c.at + length + newline, nil
}

// holes counts the NUL bytes at the beginning of a line of length bytes.
func (c *Cutter) holes(buf []byte, length int64) (holes int64, err error) {
	for holes < length {
		n, err := c.read(buf[:min(int64(len(buf)), length-holes)], holes)
		if err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(buf[:n], "\x00")
		holes += int64(n - len(rest))
		if len(rest) > 0 || n == 0 {
			break
		}
	}
	return holes, nil
}

// Head returns the first bytes of src, up to those that identify a file.
func Head(src io.ReaderAt) ([]byte, error) {
	head := make([]byte, store.FingerprintSize)
	n, err := src.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the beginning: %w", err)
	}
	return head[:n], nil
}
