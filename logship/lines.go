package logship

import (
	"bytes"
	"errors"
	"io"

	"tlskeeper/logship/store"
)

const (
	// chunk is what is read, and stored in one transaction, at a time.
	chunk = 1 << 20
	// maxLine is the longest line kept whole. httpd's own limits (fields of
	// 8,190 bytes, fourfold when escaped) stay far below; longer ones are
	// damage. It is also the longest message that CloudWatch takes.
	maxLine = maxMessage
)

// lineReader cuts whole lines out of a growing file, with memory for one chunk.
// It holds no half line: bytes behind the last newline are read again.
type lineReader struct {
	src     io.ReaderAt
	at      int64 // first byte not handed out
	scanned int64 // bytes from at that are known to hold no newline
	damage  damage
}

// damage counts what was not kept as it was in the file.
type damage struct {
	holes   int64 // NUL bytes at the beginning of lines, left by copytruncate under a writer without O_APPEND
	cut     int64 // lines longer than maxLine
	dropped int64 // their bytes that were not kept
}

func (d damage) any() bool { return d != damage{} }

// next returns the whole lines of the next chunk and the offset behind them.
// There are none when end equals at: wait for more. buf must hold chunk bytes;
// the lines alias it.
func (r *lineReader) next(buf []byte) (lines []store.Line, end int64, err error) {
	if r.scanned >= chunk {
		return r.overlong(buf)
	}
	n, err := r.src.ReadAt(buf[:chunk], r.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, r.at, err
	}
	whole := bytes.LastIndexByte(buf[:n], '\n') + 1
	if whole > 0 {
		lines = r.split(buf[:whole])
		return lines, r.at + int64(whole), nil
	}
	if n == chunk {
		r.scanned = chunk
		return r.overlong(buf)
	}
	return nil, r.at, nil
}

// advance moves on to end, after what next returned is stored.
func (r *lineReader) advance(end int64) { r.at, r.scanned = end, 0 }

// split cuts b, which ends in a newline.
func (r *lineReader) split(b []byte) []store.Line {
	lines := make([]store.Line, 0, bytes.Count(b, []byte{'\n'}))
	for at := 0; at < len(b); {
		n := bytes.IndexByte(b[at:], '\n')
		lines = append(lines, r.line(r.at+int64(at), b[at:at+n]))
		at += n + 1
	}
	return lines
}

// line is raw as it is kept.
func (r *lineReader) line(offset int64, raw []byte) store.Line {
	holes := len(raw) - len(bytes.TrimLeft(raw, "\x00"))
	kept := raw[holes:] // of an empty line an empty slice; TrimLeft would give nil
	r.damage.holes += int64(holes)
	if len(kept) > maxLine {
		r.damage.cut++
		r.damage.dropped += int64(len(kept) - maxLine)
		kept = kept[:maxLine]
	}
	return store.Line{Offset: offset + int64(holes), Raw: kept}
}

// overlong looks for the end of a line that fills a chunk, without keeping
// what it reads; then the beginning is read once more and handed out, cut.
func (r *lineReader) overlong(buf []byte) ([]store.Line, int64, error) {
	for {
		n, err := r.src.ReadAt(buf[:chunk], r.at+r.scanned)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, r.at, err
		}
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return r.cutLine(buf, r.scanned+int64(i))
		}
		r.scanned += int64(n)
		if n < chunk {
			return nil, r.at, nil
		}
	}
}

// cutLine hands out a line of length bytes from r.at.
func (r *lineReader) cutLine(buf []byte, length int64) ([]store.Line, int64, error) {
	from := r.at + r.leadingHoles(buf, length)
	n := min(r.at+length-from, maxLine)
	if _, err := io.ReadFull(io.NewSectionReader(r.src, from, n), buf[:n]); err != nil {
		return nil, r.at, err
	}
	r.damage.holes += from - r.at
	if rest := r.at + length - from - n; rest > 0 {
		r.damage.cut++
		r.damage.dropped += rest
	}
	return []store.Line{{Offset: from, Raw: buf[:n]}}, r.at + length + 1, nil
}

// leadingHoles counts the NUL bytes at r.at, among the next length ones.
func (r *lineReader) leadingHoles(buf []byte, length int64) int64 {
	var holes int64
	for holes < length {
		n, err := r.src.ReadAt(buf[:min(chunk, length-holes)], r.at+holes)
		rest := bytes.TrimLeft(buf[:n], "\x00")
		holes += int64(n - len(rest))
		if len(rest) > 0 || err != nil {
			break
		}
	}
	return holes
}

// rest hands out the bytes behind the last newline as a line of their own, for
// a file to which nothing will be added.
func (r *lineReader) rest(buf []byte) ([]store.Line, int64, error) {
	n, err := r.src.ReadAt(buf[:chunk], r.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, r.at, err
	}
	length := int64(n)
	if n == chunk { // next has looked for a newline to the end
		length = r.scanned
	}
	if length == 0 {
		return nil, r.at, nil
	}
	lines, end, err := r.cutLine(buf, length)
	return lines, end - 1, err // there is no newline
}
