package probe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
)

// session13 is one TLS 1.3 handshake, read as far as the server's proof of
// its key. It only opens records and never sends one after the ClientHello.
type session13 struct {
	in         *messages
	key        *shareKey
	newHash    func() hash.Hash
	transcript hash.Hash
	aead       cipher.AEAD
	iv         []byte
	sequence   uint64
}

// run sends the ClientHello and reads up to CertificateVerify.
func (s *session13) run(conn io.ReadWriter, h hello) (tls.ConnectionState, error) {
	state := tls.ConnectionState{Version: tls.VersionTLS13, CurveID: tls.CurveID(h.groups[0])}
	message := h.message()
	if _, err := conn.Write(append(u16s([]byte{recordHandshake}, uint16(tls.VersionTLS10)), vec(2, message)...)); err != nil {
		return state, err
	}
	suite, err := s.readHello(message)
	if err != nil {
		return state, err
	}
	state.CipherSuite = uint16(suite)
	s.in.r = &opener{s: s, r: conn}
	for {
		before := s.transcript.Sum(nil)
		kind, body, err := s.message()
		switch {
		case err != nil:
			return state, err
		case kind == messageCertificate:
			state.PeerCertificates, err = certificates13(body)
		case kind == messageCertificateVerify && len(state.PeerCertificates) > 0:
			return state, checkSignature(state.PeerCertificates[0], body, before)
		}
		if err != nil {
			return state, err
		}
	}
}

const messageCertificateVerify = 15

// message is the next handshake message, added to the transcript.
func (s *session13) message() (byte, []byte, error) {
	kind, body, err := s.in.next()
	if err == nil {
		s.transcript.Write(append([]byte{kind}, vec(3, body)...))
	}
	return kind, body, err
}

// readHello reads the ServerHello and derives the key that opens the rest.
func (s *session13) readHello(clientHello []byte) (Code, error) {
	kind, body, err := s.in.next()
	if err != nil {
		return 0, err
	}
	if kind != messageServerHello {
		return 0, fmt.Errorf("%w: message %d instead of a ServerHello", errMalformed, kind)
	}
	r, err := parseServerHello(body)
	if err != nil {
		return 0, err
	}
	if r.version != tls.VersionTLS13 || r.retry || len(s.in.buf) > 0 {
		return 0, fmt.Errorf("%w: no plain TLS 1.3 ServerHello", errMalformed)
	}
	shared, err := s.key.shared(r.share)
	if err != nil {
		return 0, err
	}
	return r.suite, s.derive(r.suite, shared, clientHello, append([]byte{kind}, vec(3, body)...))
}

// derive runs the key schedule (RFC 8446, 7.1) as far as the server's
// handshake traffic key.
func (s *session13) derive(suite Code, shared, clientHello, serverHello []byte) error {
	keyLength := 16
	switch suite {
	case Code(tls.TLS_AES_128_GCM_SHA256):
		s.newHash = sha256.New
	case Code(tls.TLS_AES_256_GCM_SHA384):
		s.newHash, keyLength = sha512.New384, 32
	default:
		return fmt.Errorf("%w: suite %v was not offered", errMalformed, suite)
	}
	s.transcript = s.newHash()
	zeros := make([]byte, s.transcript.Size())
	empty := s.transcript.Sum(nil)
	s.transcript.Write(clientHello)
	s.transcript.Write(serverHello)

	early := s.extract(zeros, nil)
	handshake := s.extract(shared, s.expand(early, "derived", empty, len(zeros)))
	traffic := s.expand(handshake, "s hs traffic", s.transcript.Sum(nil), len(zeros))
	s.iv = s.expand(traffic, "iv", nil, 12)
	block, err := aes.NewCipher(s.expand(traffic, "key", nil, keyLength))
	if err != nil {
		return err
	}
	s.aead, err = cipher.NewGCM(block)
	return err
}

func (s *session13) extract(secret, salt []byte) []byte {
	out, err := hkdf.Extract(s.newHash, secret, salt)
	if err != nil {
		panic(err) // only for hashes that FIPS forbids
	}
	return out
}

// expand is HKDF-Expand-Label.
func (s *session13) expand(secret []byte, label string, context []byte, length int) []byte {
	info := u16s(nil, uint16(length))
	info = append(info, vec(1, []byte("tls13 "+label))...)
	info = append(info, vec(1, context)...)
	out, err := hkdf.Expand(s.newHash, secret, string(info), length)
	if err != nil {
		panic(err) // only for lengths above 255 hashes
	}
	return out
}

// opener is the decrypted stream of records, in the form messages reads.
type opener struct {
	s   *session13
	r   io.Reader
	buf []byte
}

func (o *opener) Read(p []byte) (int, error) {
	for len(o.buf) == 0 {
		kind, payload, err := readRecord(o.r)
		if err != nil {
			return 0, err
		}
		if kind == recordApplication {
			if kind, payload, err = o.s.open(payload); err != nil {
				return 0, err
			}
		}
		o.buf = append(u16s([]byte{kind}, uint16(tls.VersionTLS12)), vec(2, payload)...)
	}
	n := copy(p, o.buf)
	o.buf = o.buf[n:]
	return n, nil
}

// open decrypts one record and takes its padding off (RFC 8446, 5.2).
func (s *session13) open(sealed []byte) (kind byte, payload []byte, err error) {
	nonce := append([]byte{}, s.iv...)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^s.sequence)
	s.sequence++
	head := u16s([]byte{recordApplication}, uint16(tls.VersionTLS12), uint16(len(sealed)))
	plain, err := s.aead.Open(nil, nonce, sealed, head)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: record cannot be opened", errMalformed)
	}
	for i := len(plain) - 1; i >= 0; i-- {
		if plain[i] != 0 {
			return plain[i], plain[:i], nil
		}
	}
	return 0, nil, fmt.Errorf("%w: record of padding only", errMalformed)
}

// certificates13 parses the Certificate message of TLS 1.3 (RFC 8446, 4.4.2).
func certificates13(body []byte) ([]*x509.Certificate, error) {
	c := &cursor{b: body}
	c.vec(1)
	list := c.sub(3)
	var raw [][]byte
	for !list.empty() && !list.bad {
		raw = append(raw, list.vec(3))
		list.vec(2)
	}
	chain := parseChain(raw)
	if c.bad || list.bad || len(raw) == 0 || len(chain) != len(raw) {
		return nil, fmt.Errorf("%w: Certificate", errMalformed)
	}
	return chain, nil
}
