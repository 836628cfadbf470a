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
	config := s.t.client()
	config.NextProtos = []string{"h2"}
	var got attempt
	err := s.put(ctx, openALPN, func(ctx context.Context) error {
		got = handshake(ctx, s.t, config)
		return usable(got.err)
	})
	if !isAnswer(err) {
		s.leave(openALPN, "h2", err)
	}
	return err == nil && got.state.NegotiatedProtocol == "h2"
}

// usable makes a no of an answer in TLS that crypto/tls cannot use: what the
// server has was then asked, or will be, by hand.
func usable(err error) error {
	var notTLS tls.RecordHeaderError
	if err == nil || isAnswer(err) || isFaint(err) || isTimeout(err) || errors.Is(err, errMalformed) || errors.As(err, &notTLS) || isNetwork(err) {
		return err
	}
	return fmt.Errorf("%w: %w", errDeclined, err)
}

// isNetwork tells whether err is trouble with the connection, not with what
// came over it.
func isNetwork(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op != "local error" && op.Op != "remote error"
}

// page is what one request over TLS brings.
type page struct {
	answer            *HTTP
	alpn, askedClient bool
	shaken            bool  // hands; what follows is about HTTP
	tickets           *bool // of TLS 1.3
}

// http asks for / over HTTP/1.1, and notices session tickets of TLS 1.3 on the
// way. It also tells whether the server negotiated http/1.1 by ALPN.
func (s *scanner) http(ctx context.Context, r *Report) (answer *HTTP, alpn bool) {
	var p page
	err := s.put(ctx, openHTTP, func(ctx context.Context) error {
		p = page{}
		return s.fetch(ctx, &p)
	})
	r.Features.ClientCertificate, r.Features.Tickets13 = p.askedClient, p.tickets
	switch {
	case !isAnswer(err):
		s.leave(openHTTP, "GET /", err)
	case err != nil && p.shaken:
		s.note(fmt.Sprintf("no HTTP answer: %v", err))
	}
	return p.answer, p.alpn
}

func (s *scanner) fetch(ctx context.Context, p *page) error {
	c, done, err := s.t.dial(ctx)
	if err != nil {
		return err
	}
	defer done()
	tickets := &ticketWatch{}
	config := s.t.client()
	config.NextProtos = []string{"http/1.1"}
	config.ClientSessionCache = tickets
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		p.askedClient = true
		return &tls.Certificate{}, nil
	}
	tlsConn := tls.Client(c, config)
	if err := tlsConn.HandshakeContext(ctx); err != nil {
		return usable(c.cut(err)) // versions and suites tell why
	}
	p.shaken = true
	resp, err := get(tlsConn, s.host)
	state := tlsConn.ConnectionState()
	if state.Version == tls.VersionTLS13 && err == nil {
		p.tickets = new(tickets.seen.Load())
	}
	p.alpn = state.NegotiatedProtocol == "http/1.1"
	if err != nil {
		return noPage(err, p.askedClient)
	}
	p.answer = &HTTP{Status: resp.StatusCode, HSTS: parseHSTS(resp.Header.Values("Strict-Transport-Security"))}
	return nil
}

// noPage makes a no of an answer that is not HTTP, and of the end of a
// connection that a client certificate was asked for.
func noPage(err error, askedClient bool) error {
	if isTimeout(err) || errors.Is(err, errMalformed) || !askedClient && (isFaint(err) || isNetwork(err)) {
		return err
	}
	return fmt.Errorf("%w: %w", errDeclined, cause(err))
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

// get sends GET / and reads the header of the answer. One that breaks off is
// errMalformed.
func get(conn io.ReadWriter, host string) (*http.Response, error) {
	req := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: host, Close: true,
		Header: http.Header{"User-Agent": {"tlskeeper-scan"}},
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	in := &io.LimitedReader{R: conn, N: maxHeader}
	resp, err := http.ReadResponse(bufio.NewReader(in), req)
	switch {
	case err != nil && in.N <= 0:
		return nil, fmt.Errorf("a header of more than %d bytes", maxHeader)
	case isHangup(err) && in.N < maxHeader:
		return nil, fmt.Errorf("%w: it breaks off after %d bytes", errMalformed, maxHeader-in.N)
	}
	return resp, err
}

// redirect asks the plain HTTP port for /.
func (s *scanner) redirect(ctx context.Context) *Redirect {
	r := &Redirect{Addr: s.t.HTTPAddr}
	c, done, err := Target{Addr: s.t.HTTPAddr, pacer: s.pacer}.dial(ctx)
	if err != nil {
		r.Error = cause(err).Error()
		return r
	}
	defer done()
	resp, err := get(c, s.host)
	if err != nil {
		r.Error = cause(err).Error()
		return r
	}
	r.Status, r.Location = resp.StatusCode, resp.Header.Get("Location")
	r.ToHTTPS = r.Status >= 300 && r.Status < 400 && strings.HasPrefix(strings.ToLower(r.Location), "https://")
	return r
}
