package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// maxHeader bounds what is read of an HTTP answer, in bytes.
const maxHeader = 64 << 10

// speaksH2 tells whether the server takes HTTP/2 when nothing else is offered.
func (s *scanner) speaksH2(ctx context.Context) bool {
	if !s.acquire(ctx) {
		return false
	}
	defer func() { <-s.slots }()
	config := s.t.client()
	config.NextProtos = []string{"h2"}
	got := handshake(ctx, s.t, config)
	return got.err == nil && got.state.NegotiatedProtocol == "h2"
}

// http asks for / over HTTP/1.1, and notices session tickets of TLS 1.3 on the
// way. It also tells whether the server negotiated http/1.1 by ALPN.
func (s *scanner) http(ctx context.Context, r *Report) (answer *HTTP, alpn bool) {
	if !s.acquire(ctx) {
		return nil, false
	}
	defer func() { <-s.slots }()
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	conn, done, err := dial(ctx, s.t.Addr)
	if err != nil {
		return nil, false
	}
	defer done()
	tickets := &ticketWatch{}
	config := s.t.client()
	config.NextProtos = []string{"http/1.1"}
	config.ClientSessionCache = tickets
	var asked bool
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return &tls.Certificate{}, nil
	}
	tlsConn := tls.Client(conn, config)
	err = tlsConn.HandshakeContext(ctx)
	r.Features.ClientCertificate = asked
	if err != nil {
		return nil, false // versions and suites tell why
	}
	resp, err := get(tlsConn, s.host())
	if state := tlsConn.ConnectionState(); state.Version == tls.VersionTLS13 && err == nil {
		r.Features.Tickets13 = new(tickets.seen.Load())
	}
	alpn = tlsConn.ConnectionState().NegotiatedProtocol == "http/1.1"
	if err != nil {
		s.remark(fmt.Sprintf("no HTTP answer: %v", cause(err)), 0)
		return nil, alpn
	}
	return &HTTP{Status: resp.StatusCode, HSTS: parseHSTS(resp.Header.Values("Strict-Transport-Security"))}, alpn
}

// cause leaves out what only repeats the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// ticketWatch is a session cache that only notices that a ticket came.
type ticketWatch struct{ seen atomic.Bool }

func (*ticketWatch) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (w *ticketWatch) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		w.seen.Store(true)
	}
}

// host is the Host header: the name, else the address.
func (s *scanner) host() string {
	if s.t.SNI != "" {
		return s.t.SNI
	}
	return s.t.Addr
}

// get sends GET / and reads the header of the answer.
func get(conn io.ReadWriter, host string) (*http.Response, error) {
	req := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: host, Close: true,
		Header: http.Header{"User-Agent": {"tlskeeper-scan"}},
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxHeader)), req)
}

// redirect asks the plain HTTP port for /.
func (s *scanner) redirect(ctx context.Context) *Redirect {
	r := &Redirect{Addr: s.t.HTTPAddr}
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	conn, done, err := dial(ctx, s.t.HTTPAddr)
	if err != nil {
		r.Error = cause(err).Error()
		return r
	}
	defer done()
	resp, err := get(conn, s.host())
	if err != nil {
		r.Error = cause(err).Error()
		return r
	}
	r.Status, r.Location = resp.StatusCode, resp.Header.Get("Location")
	r.ToHTTPS = r.Status >= 300 && r.Status < 400 && strings.HasPrefix(strings.ToLower(r.Location), "https://")
	return r
}
