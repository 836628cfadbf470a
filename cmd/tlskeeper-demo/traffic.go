package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const requestTimeout = 10 * time.Second

// client is one kind of visitor: what it can speak and what it calls itself.
type client struct {
	agent  string
	max    uint16   // highest TLS version; 0 is the newest
	suites []uint16 // for TLS 1.2; nil is the library's choice
}

// modern clients survive every profile; legacy ones can only do what the
// hardened configuration removes.
var (
	modern = []client{
		{agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"},
		{agent: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"},
		{agent: "curl/8.5.0", max: tls.VersionTLS12, suites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}},
		{agent: "okhttp/4.12.0", max: tls.VersionTLS12, suites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{agent: "Go-http-client/1.1", max: tls.VersionTLS12, suites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}},
		{agent: "Odd \"quoted\", with commas,\tand a tab \\ here"},
	}
	legacy = []client{
		{agent: "OldPhone/2.1", max: tls.VersionTLS12, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}},
		{agent: "LegacyBackup 1.0 (nightly)", max: tls.VersionTLS12, suites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
	}
)

// visitors sends requests to one server and counts how they went.
type visitors struct {
	addr  string   // host:port on loopback
	names []string // the server's names, asked in turn
	roots *x509.CertPool

	answered atomic.Int64 // requests that got their whole answer
	failed   atomic.Int64 // requests on a new connection that got none
	closed   atomic.Int64 // kept-alive connections that the server closed between requests
	mu       sync.Mutex
	first    error // the first failure, for the report
}

// send lets every client of kinds ask rounds times, each time on a connection
// of its own, without a second try.
func (v *visitors) send(ctx context.Context, kinds []client, rounds int) {
	for i := range rounds * len(kinds) {
		if ctx.Err() != nil {
			return
		}
		v.ask(ctx, kinds[i%len(kinds)], v.names[i%len(v.names)])
	}
}

func (v *visitors) ask(ctx context.Context, c client, name string) {
	conn, err := v.dial(ctx, c, name)
	if err == nil {
		err = exchange(conn, bufio.NewReader(conn), c, name, true)
		conn.Close()
	}
	v.count(ctx, err)
}

func (v *visitors) count(ctx context.Context, err error) {
	switch {
	case err == nil:
		v.answered.Add(1)
	case ctx.Err() == nil:
		v.failed.Add(1)
		v.mu.Lock()
		v.first = errors.Join(v.first, err)
		v.mu.Unlock()
	}
}

func (v *visitors) dial(ctx context.Context, c client, name string) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	d := tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{
		ServerName: name, RootCAs: v.roots, MaxVersion: c.max, CipherSuites: c.suites}}
	conn, err := d.DialContext(ctx, "tcp", v.addr)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), conn.SetDeadline(time.Now().Add(requestTimeout))
}

// exchange sends one request and reads its whole answer.
func exchange(w io.Writer, r *bufio.Reader, c client, name string, last bool) error {
	req, err := http.NewRequest(http.MethodGet, "https://"+name+"/", nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", c.agent)
	req.Close = last
	if err := req.Write(w); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// keepAlive asks again and again on one connection until ctx ends, and opens
// the next one when the server closes it, as a reload makes it do.
func (v *visitors) keepAlive(ctx context.Context, c client, pause time.Duration) {
	for ctx.Err() == nil {
		conn, err := v.dial(ctx, c, v.names[0])
		if err != nil {
			v.count(ctx, err)
			continue
		}
		v.reuse(ctx, conn, c, pause)
		conn.Close()
	}
}

func (v *visitors) reuse(ctx context.Context, conn *tls.Conn, c client, pause time.Duration) {
	r := bufio.NewReader(conn)
	for n := 0; ; n++ {
		conn.SetDeadline(time.Now().Add(requestTimeout))
		err := exchange(conn, r, c, v.names[0], false)
		if err != nil && n > 0 {
			v.closed.Add(1) // between two requests: no request on a new connection failed
			return
		}
		v.count(ctx, err)
		if err != nil || !wait(ctx, pause) {
			return
		}
	}
}

// load keeps asking from several clients at once until stop is called, which
// returns when all have their last answer.
func (v *visitors) load(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			for n := i; wait(ctx, 40*time.Millisecond); n++ {
				v.ask(background(), modern[n%len(modern)], v.names[n%len(v.names)])
			}
		})
	}
	all.Go(func() { v.keepAlive(ctx, modern[0], 50*time.Millisecond) })
	return func() { cancel(); all.Wait() }
}

func (v *visitors) String() string {
	return fmt.Sprintf("%d requests answered, %d failed, %d kept-alive connections closed by a reload",
		v.answered.Load(), v.failed.Load(), v.closed.Load())
}

// wait pauses and tells whether ctx is still alive.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil
	}
}
