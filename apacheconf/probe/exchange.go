package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// Limits of what is read from a server for one ClientHello.
const (
	maxRecord  = 16384 + 2048 // RFC 5246, 6.2.3
	maxFlight  = 256 << 10    // handshake bytes: far above the largest chain in use
	maxRecords = 512          // a server may cut its messages small, but not for ever
)

// Handshake messages and record types that are read.
const (
	messageServerHello = 2
	messageCertificate = 11
	messageServerKX    = 12
	messageHelloDone   = 14
	recordCCS          = 20
	recordAlert        = 21
	recordApplication  = 23
)

// exchange sends a ClientHello and reads the ServerHello; with flight also the
// rest of what TLS 1.2 and older send in the clear up to the key exchange. The
// error of a server that declines satisfies isRefusal.
func exchange(ctx context.Context, t Target, h hello, flight bool) (*reply, error) {
	c, done, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	r, err := converse(c, h, flight)
	return r, c.cut(err)
}

func converse(c *conn, h hello, flight bool) (*reply, error) {
	if _, err := c.Write(h.record()); err != nil {
		return nil, err
	}
	in := &messages{r: c}
	kind, body, err := in.next()
	if err != nil {
		return nil, err
	}
	if kind != messageServerHello {
		return nil, fmt.Errorf("%w: message %d instead of a ServerHello", errMalformed, kind)
	}
	r, err := parseServerHello(body)
	if err != nil || !flight || r.version >= tls.VersionTLS13 {
		return r, err
	}
	return r, r.readFlight(in)
}

// readFlight reads up to ServerKeyExchange or ServerHelloDone.
func (r *reply) readFlight(in *messages) error {
	for {
		kind, body, err := in.next()
		if err != nil {
			return err
		}
		switch kind {
		case messageCertificate:
			err = r.parseCertificates(body)
		case messageServerKX:
			r.parseKeyExchange(body)
			return nil
		case messageHelloDone:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// messages reads the handshake messages out of plaintext records.
type messages struct {
	r       io.Reader
	buf     []byte
	read    int
	records int
}

// next is the type and the body of the next handshake message.
func (m *messages) next() (kind byte, body []byte, err error) {
	for {
		if kind, body, ok := m.cut(); ok {
			return kind, body, nil
		}
		if err := m.fill(); err != nil {
			return 0, nil, err
		}
	}
}

// cut takes a whole message off the buffer.
func (m *messages) cut() (kind byte, body []byte, ok bool) {
	c := &cursor{b: m.buf}
	kind, body = c.u8(), c.vec(3)
	if c.bad {
		return 0, nil, false
	}
	m.buf = c.b
	return kind, body, true
}

// fill reads one record into the buffer.
func (m *messages) fill() error {
	kind, payload, err := readRecord(m.r)
	if err != nil {
		return err
	}
	m.records++
	m.read += len(payload)
	if m.records > maxRecords || m.read > maxFlight {
		return fmt.Errorf("%w: more than %d records or %d bytes", errMalformed, maxRecords, maxFlight)
	}
	switch kind {
	case recordHandshake:
		m.buf = append(m.buf, payload...)
	case recordAlert:
		return alertOf(payload)
	case recordCCS: // middlebox compatibility of TLS 1.3
	default:
		return fmt.Errorf("%w: record of type %d", errMalformed, kind)
	}
	return nil
}

// alertOf is the error of an alert record. A warning, such as the
// unrecognized_name of servers that go on with their default, is none.
func alertOf(payload []byte) error {
	if len(payload) != 2 {
		return fmt.Errorf("%w: alert of %d bytes", errMalformed, len(payload))
	}
	const warning, closeNotify = 1, 0
	if payload[0] == warning && payload[1] != closeNotify {
		return nil
	}
	return alertError(payload[1])
}

func readRecord(r io.Reader) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0] < recordCCS || head[0] > recordApplication || head[1] != 3 {
		return 0, nil, &notTLSError{head[:]}
	}
	length := int(head[3])<<8 | int(head[4])
	if length > maxRecord {
		return 0, nil, fmt.Errorf("%w: record of %d bytes", errMalformed, length)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(r, payload)
	return head[0], payload, err
}

// isRefusal tells whether the server answered with TLS and declined what was
// offered.
func isRefusal(err error) bool {
	var alert alertError
	return errors.As(err, &alert) || isAlert(err)
}

// isHangup tells whether the server dropped the connection in answer to what
// was sent, as some stacks do instead of an alert, and some firewalls. A write
// fails only where the connection was reset before anything was asked.
func isHangup(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && op.Op == "read" && !op.Timeout() && !errors.Is(err, net.ErrClosed)
}
