package logship

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// packedLog reads a .gz as if it were its contents. Reading goes forward;
// going back further than the last read begins again from the start.
type packedLog struct {
	file *os.File
	zr   *gzip.Reader
	last []byte // the bytes before at
	at   int64  // decompressed offset of zr
}

func openPacked(f *os.File) (*packedLog, error) {
	p := &packedLog{file: f}
	return p, p.rewind()
}

func (p *packedLog) rewind() error {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	zr, err := gzip.NewReader(p.file)
	if err != nil {
		return fmt.Errorf("decompressing %s: %w", p.file.Name(), err)
	}
	p.zr, p.at, p.last = zr, 0, p.last[:0]
	return nil
}

func (p *packedLog) Close() error { return p.file.Close() }

// ReadAt reads decompressed bytes. It serves one goroutine, other than
// io.ReaderAt promises.
func (p *packedLog) ReadAt(b []byte, off int64) (int, error) {
	if off < p.at-int64(len(p.last)) {
		if err := p.rewind(); err != nil {
			return 0, err
		}
	}
	if off > p.at {
		if err := p.skip(off - p.at); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.last[int64(len(p.last))-(p.at-off):])
	if n == len(b) {
		return n, nil
	}
	m, err := io.ReadFull(p.zr, b[n:])
	p.at += int64(m)
	p.last = append(p.last[:0], b[:n+m]...)
	if errors.Is(err, io.ErrUnexpectedEOF) && n+m < len(b) && p.cutOff() {
		return n + m, fmt.Errorf("decompressing %s: it ends too early", p.file.Name())
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n + m, err
}

// cutOff tells a gzip that ends too early from one that is read to its end:
// io.ReadFull reports both in the same way.
func (p *packedLog) cutOff() bool {
	var b [1]byte
	_, err := p.zr.Read(b[:])
	return !errors.Is(err, io.EOF)
}

func (p *packedLog) skip(n int64) error {
	m, err := io.CopyN(io.Discard, p.zr, n)
	p.at, p.last = p.at+m, p.last[:0]
	return err
}

// holdsMore tells, without decompressing, whether a .gz of one member may hold
// more than n bytes: its last four bytes are its size modulo 2^32 (RFC 1952,
// section 2.3.1, ISIZE).
func holdsMore(f *os.File, n int64) bool {
	info, err := f.Stat()
	if err != nil || info.Size() < 18 {
		return true
	}
	var size [4]byte
	if _, err := f.ReadAt(size[:], info.Size()-4); err != nil {
		return true
	}
	return binary.LittleEndian.Uint32(size[:]) != uint32(n)
}
