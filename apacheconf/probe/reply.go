package probe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
)

// reply is what a server answered to a ClientHello, as far as it travels in
// the clear.
type reply struct {
	version     uint16 // after supported_versions
	suite       Code
	compression byte
	retry       bool // HelloRetryRequest
	group       Code // TLS 1.3: of key_share; before: of ServerKeyExchange; 0 is none
	share       []byte
	sessionID   bool
	extensions  map[uint16][]byte
	chain       [][]byte // TLS 1.2 and older, when the flight was read
	dhBits      int      // size of the DHE prime in bits, when the flight was read
}

func (r *reply) has(extension uint16) bool {
	_, ok := r.extensions[extension]
	return ok
}

// errMalformed is an answer that is no TLS, or TLS with wrong lengths.
var errMalformed = errors.New("malformed answer")

// helloRetryRandom marks a ServerHello as HelloRetryRequest (RFC 8446, 4.1.3).
var helloRetryRandom = []byte{
	0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
}

// parseServerHello parses the body of a ServerHello message.
func parseServerHello(body []byte) (*reply, error) {
	c := &cursor{b: body}
	r := &reply{version: c.u16(), extensions: map[uint16][]byte{}}
	r.retry = bytes.Equal(c.take(32), helloRetryRandom)
	r.sessionID = len(c.vec(1)) > 0
	r.suite = Code(c.u16())
	r.compression = c.u8()
	if !c.empty() {
		r.parseExtensions(c.sub(2), c)
	}
	if c.bad || !c.empty() {
		return nil, fmt.Errorf("%w: ServerHello of %d bytes", errMalformed, len(body))
	}
	return r, r.parseSelected()
}

func (r *reply) parseExtensions(list, parent *cursor) {
	for !list.empty() && !list.bad {
		id := list.u16()
		r.extensions[id] = list.vec(2)
	}
	parent.bad = parent.bad || list.bad
}

// parseSelected reads the version and group of a TLS 1.3 ServerHello.
func (r *reply) parseSelected() error {
	if body, ok := r.extensions[extVersions]; ok {
		c := &cursor{b: body}
		r.version = c.u16()
		if c.bad || !c.empty() {
			return fmt.Errorf("%w: supported_versions", errMalformed)
		}
	}
	body, ok := r.extensions[extKeyShare]
	if !ok {
		return nil
	}
	c := &cursor{b: body}
	r.group = Code(c.u16())
	if !r.retry {
		r.share = c.vec(2)
	}
	if c.bad || !c.empty() {
		return fmt.Errorf("%w: key_share", errMalformed)
	}
	return nil
}

// parseCertificates parses a Certificate message of TLS 1.2 and older.
func (r *reply) parseCertificates(body []byte) error {
	c := &cursor{b: body}
	list := c.sub(3)
	for !list.empty() && !list.bad {
		r.chain = append(r.chain, list.vec(3))
	}
	if c.bad || list.bad {
		return fmt.Errorf("%w: Certificate", errMalformed)
	}
	return nil
}

// parseKeyExchange reads the group of a ServerKeyExchange: the named curve of
// ECDHE (RFC 8422, 5.4) or the size of the DHE prime (RFC 5246, 7.4.3).
func (r *reply) parseKeyExchange(body []byte) {
	c := &cursor{b: body}
	switch suiteByID(r.suite).KeyExchange {
	case "ECDHE":
		if c.u8() == 3 { // named_curve
			r.group = Code(c.u16())
		}
	case "DHE":
		r.dhBits = bitLen(c.vec(2))
	}
}

// bitLen is the length in bits of a big-endian number.
func bitLen(number []byte) int {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 {
		return 0
	}
	bits := (len(number) - 1) * 8
	for first := number[0]; first > 0; first >>= 1 {
		bits++
	}
	return bits
}

// alertError is a fatal alert from the server.
type alertError byte

func (a alertError) Error() string {
	return fmt.Sprintf("server alert %d: %v", byte(a), tls.AlertError(a))
}
