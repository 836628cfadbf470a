package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"tlskeeper/logship/store"
)

const (
	// block is what is stored in one transaction: some 25,000 lines, a tenth of
	// a second, so that the agent's own transactions get their turn.
	block = 4 << 20
	// blockLines bounds a block of short lines.
	blockLines = 1 << 15
	// maxLine is the longest line kept whole. httpd's lines are far shorter; what
	// is longer is damage.
	maxLine = 1 << 20
)

// unpack returns the content of file, of what is inside when it begins as gzip does.
func unpack(file io.Reader) (content *bufio.Reader, packed bool, err error) {
	plain := bufio.NewReaderSize(file, 64<<10)
	magic, err := plain.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952, 2.3.1
		return plain, false, nil
	}
	z, err := gzip.NewReader(plain)
	if err != nil {
		return nil, false, fmt.Errorf("reading gzip: %w", err)
	}
	return bufio.NewReaderSize(z, 64<<10), true, nil
}

// cutter cuts a stream into lines, block by block, with memory for one block.
type cutter struct {
	r          io.Reader
	buf        []byte
	start, end int   // what of buf is not handed out yet
	at         int64 // place of buf[start] in the stream
	torn       []store.Line
	tornEnd    int64 // place behind torn, an overlong last line
}

// newCutter reads up to limit bytes of r; all of it when limit is negative.
func newCutter(r io.Reader, limit int64) *cutter {
	if limit >= 0 {
		r = io.LimitReader(r, limit)
	}
	return &cutter{r: r, buf: make([]byte, block)}
}

// next returns the whole lines of the next block and the place behind them. They
// are good until the next call. At the end there are none, and io.EOF.
func (c *cutter) next() (lines []store.Line, end int64, err error) {
	if bytes.IndexByte(c.buf[c.start:c.end], '\n') < 0 { // else blockLines left some
		copy(c.buf, c.buf[c.start:c.end])
		c.start, c.end = 0, c.end-c.start
		if err := c.fill(); err != nil {
			return nil, c.at, err
		}
	}
	whole := c.start + bytes.LastIndexByte(c.buf[c.start:c.end], '\n') + 1
	if whole == c.start && c.end == len(c.buf) {
		return c.overlong()
	}
	for c.start < whole && len(lines) < blockLines {
		length := bytes.IndexByte(c.buf[c.start:whole], '\n')
		lines = append(lines, line(c.at, c.buf[c.start:c.start+length]))
		c.start += length + 1
		c.at += int64(length) + 1
	}
	if len(lines) == 0 {
		return nil, c.at, io.EOF
	}
	return lines, c.at, nil
}

// fill reads until the block is full or the stream ends. io.ReadFull would not
// tell that end from a torn gzip file's.
func (c *cutter) fill() error {
	for c.end < len(c.buf) {
		n, err := c.r.Read(c.buf[c.end:])
		c.end += n
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// line is raw as it is kept: without the hole that copytruncate leaves under a
// writer that does not append, and not longer than maxLine.
func line(at int64, raw []byte) store.Line {
	kept := bytes.TrimLeft(raw, "\x00")
	return store.Line{Offset: at + int64(len(raw)-len(kept)), Raw: kept[:min(len(kept), maxLine)]}
}

// overlong hands out the beginning of a line that fills the block, and drops the
// rest of it.
func (c *cutter) overlong() ([]store.Line, int64, error) {
	from, kept := c.at, []store.Line{line(c.at, bytes.Clone(c.buf))}
	for {
		if i := bytes.IndexByte(c.buf[:c.end], '\n'); i >= 0 {
			c.start = i + 1
			c.at += int64(i) + 1
			return kept, c.at, nil
		}
		c.at += int64(c.end)
		c.start, c.end = 0, 0
		if err := c.fill(); err != nil {
			return nil, from, err
		}
		if c.end == 0 {
			c.torn, c.tornEnd = kept, c.at
			return nil, from, io.EOF
		}
	}
}

// rest returns the bytes behind the last newline as a line, and the end of the
// stream; no line where there are none.
func (c *cutter) rest() (lines []store.Line, end int64) {
	if c.torn != nil {
		return c.torn, c.tornEnd
	}
	if c.start < c.end {
		lines = []store.Line{line(c.at, c.buf[c.start:c.end])}
	}
	return lines, c.at + int64(c.end-c.start)
}
