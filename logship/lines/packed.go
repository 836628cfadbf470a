package lines

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// Packed reads a .gz as if it were its contents. Reading goes forward;
// going back further than the last read begins again from the start.
type Packed struct {
	file File
	zr   *gzip.Reader
	last []byte // the bytes before at
	head []byte // the first FingerprintSize bytes: Head wants them again and again
	at   int64  // decompressed offset of zr
}

// File is what a Packed reads; it is closed with it.
type File interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// IsPacked tells by its first bytes whether f is a .gz (RFC 1952, section 2.3.1, ID1 and ID2).
func IsPacked(f io.ReaderAt) (bool, error) {
	var magic [2]byte
	_, err := f.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return magic == [2]byte{0x1f, 0x8b}, nil
}

// OpenPacked reads f, a .gz, from its beginning.
func OpenPacked(f File) (*Packed, error) {
	p := &Packed{file: f}
	err := p.rewind()
	if err == nil {
		p.head, err = Head(p)
	}
	return p, err
}

func (p *Packed) rewind() error {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	zr, err := gzip.NewReader(p.file)
	if err != nil {
		return fmt.Errorf("decompressing: %w", err)
	}
	p.zr, p.at, p.last = zr, 0, p.last[:0]
	return nil
}

// Close closes the file.
func (p *Packed) Close() error { return p.file.Close() }

// ReadAt reads decompressed bytes. It serves one goroutine, other than
// io.ReaderAt promises.
func (p *Packed) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) <= int64(len(p.head)) {
		return copy(b, p.head[off:]), nil
	}
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
		return n + m, errors.New("decompressing: it ends too early")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n + m, err
}

// cutOff tells a gzip that ends too early from one that is read to its end:
// io.ReadFull reports both in the same way.
func (p *Packed) cutOff() bool {
	var b [1]byte
	_, err := p.zr.Read(b[:])
	return !errors.Is(err, io.EOF)
}

func (p *Packed) skip(n int64) error {
	m, err := io.CopyN(io.Discard, p.zr, n)
	p.at, p.last = p.at+m, p.last[:0]
	return err
}

// HoldsMore tells, without decompressing, whether a .gz of one member may hold
// more than n bytes: its last four bytes are its size modulo 2^32 (RFC 1952,
// section 2.3.1, ISIZE).
func HoldsMore(f *os.File, n int64) bool {
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
