// Package probe finds out what a TLS server really does on the wire, whatever
// its configuration file says: which certificate it serves for a name and a
// signature family (Leaf), and, with Scan, its versions, suites, groups,
// chain and headers, an SSL Labs grade and the findings against a profile.
//
// What crypto/tls can speak is done with crypto/tls; the rest (SSLv3, suites
// and groups that Go does not implement, the choice of signature schemes) is
// done with a ClientHello written by hand, whose answer is only read.
//
// It may import the standard library, golang.org/x/{net,crypto},
// certificate-transparency-go (its root package only: ctutil brings a log and
// protocol buffers along) and internal/{leaf,child,term,hint}; it knows nothing
// of Apache's configuration.
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// defaultTimeout bounds one handshake whose context has no deadline.
const defaultTimeout = 5 * time.Second

// Target is one TLS endpoint.
type Target struct {
	// Addr is what is dialled, host:port.
	Addr string
	// SNI is the name sent in the ClientHello; empty sends none, which shows
	// what a client without SNI is served.
	SNI string
	// Roots are the CAs that trust is judged by; nil means the system's.
	Roots *x509.CertPool
	// Logs are the CT logs that SCTs are judged by; nil means the list that the
	// program was built with.
	Logs *LogList
	// HTTPAddr is the plain HTTP port that Scan asks for its redirect,
	// host:port; empty asks none.
	HTTPAddr string
	// Silent keeps Scan from asking for a page: it leaves no line in the
	// server's access log, and the report has no HTTP part.
	Silent bool
	// Pace is how fast Scan asks, and how long it waits.
	Pace Pace

	pacer *pacer // of the scan that this target belongs to; nil outside one
}

func (t Target) String() string {
	if t.SNI == "" {
		return t.Addr + " (no SNI)"
	}
	return fmt.Sprintf("%s (%s)", t.Addr, t.SNI)
}

// dial connects and gives the connection a deadline: that of the scan's pace,
// else the context's, else defaultTimeout. The connection is closed when ctx
// ends.
func (t Target) dial(ctx context.Context) (*conn, func(), error) {
	ctx, cancel, err := t.pacer.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		c.Close()
		cancel()
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	return &conn{Conn: c}, func() { stop(); c.Close(); cancel() }, nil
}

// conn counts what was heard: a server that hangs up in the middle of an answer
// has not declined.
type conn struct {
	net.Conn
	heard atomic.Int64
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.heard.Add(int64(n))
	return n, err
}

// cut tells a hangup in the middle of an answer from one instead of an answer.
func (c *conn) cut(err error) error {
	if n := c.heard.Load(); n > 0 && isHangup(err) {
		return fmt.Errorf("%w: it breaks off after %d bytes", errMalformed, n)
	}
	return err
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultTimeout)
}

// client is the crypto/tls configuration every handshake starts from: it
// takes whatever the server shows, because judging trust is a step of its own.
func (t Target) client() *tls.Config {
	return &tls.Config{
		ServerName:         t.SNI,
		InsecureSkipVerify: true, // trust is judged afterwards, on the chain
		MinVersion:         tls.VersionTLS10,
	}
}
