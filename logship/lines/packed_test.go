package lines

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
)

// seeking counts how often a file is read from its beginning.
type seeking struct {
	*bytes.Reader
	begun int
}

func (s *seeking) Close() error { return nil }

func (s *seeking) Seek(offset int64, whence int) (int64, error) {
	s.begun++
	return s.Reader.Seek(offset, whence)
}

// The follower compares the beginning of a file with each part that it reads. Of a
// packed one that must not mean to unpack all that was read once more.
func TestBeginningOfAPackedFileIsAtHand(t *testing.T) {
	for name, size := range map[string]int{"long": 5 << 20, "short": 100, "empty": 0} {
		var packed bytes.Buffer
		zw := gzip.NewWriter(&packed)
		zw.Write(bytes.Repeat([]byte("0123456789"), size/10))
		zw.Close()
		f := &seeking{Reader: bytes.NewReader(packed.Bytes())}
		p, err := OpenPacked(f)
		if err != nil {
			t.Fatal(err)
		}
		buf, read := make([]byte, Chunk), 0
		for {
			n, err := p.ReadAt(buf, int64(read))
			read += n
			if head, err := Head(p); err != nil || len(head) != min(size, 1024) || !bytes.HasPrefix([]byte("0123456789"), head[:min(len(head), 10)]) {
				t.Fatalf("%s: a beginning of %d bytes, %v", name, len(head), err)
			}
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if read != size || f.begun > 1 {
			t.Errorf("%s: %d bytes read of %d, begun %d times", name, read, size, f.begun)
		}
	}
}
