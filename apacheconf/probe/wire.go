package probe

import "encoding/binary"

// cursor reads the length-prefixed fields of TLS. Reading past the end gives
// zeros and sets bad, so that a parser checks once, at its end.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.bad = true
		c.b = nil
		return nil
	}
	head := c.b[:n]
	c.b = c.b[n:]
	return head
}

// uint reads a big-endian number of n bytes, n <= 8.
func (c *cursor) uint(n int) uint64 {
	var v uint64
	for _, b := range c.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (c *cursor) u8() byte    { return byte(c.uint(1)) }
func (c *cursor) u16() uint16 { return uint16(c.uint(2)) }

// vec reads a vector whose length is a number of n bytes.
func (c *cursor) vec(n int) []byte { return c.take(int(c.uint(n))) }

// sub is vec as a cursor of its own.
func (c *cursor) sub(n int) *cursor {
	body := c.vec(n)
	return &cursor{b: body, bad: c.bad}
}

func (c *cursor) empty() bool { return len(c.b) == 0 }

// u16s appends numbers of two bytes each.
func u16s[T ~uint16](dst []byte, values ...T) []byte {
	for _, v := range values {
		dst = binary.BigEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

// vec prefixes body with its length in n bytes.
func vec(n int, body []byte) []byte {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(body)))
	return append(append([]byte{}, length[8-n:]...), body...)
}
