package challenge

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// httpListener proves by a small HTTP server of our own, which runs while
// something is to be proven.
type httpListener struct {
	address string

	mu     sync.Mutex
	proofs map[string]string // token to key authorization
	server *http.Server
}

func (l *httpListener) Present(ctx context.Context, p Proof) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", l.address)
		if err != nil {
			return fmt.Errorf("listening for http-01: %w", err)
		}
		l.proofs = map[string]string{}
		l.server = challengeServer(l)
		go l.server.Serve(bounded(listener))
	}
	l.proofs[p.Token] = p.KeyAuth
	return nil
}

// challengeServer ends each connection after one answer, and says nothing
// about strangers.
func challengeServer(h http.Handler) *http.Server {
	server := &http.Server{
		Handler: h, ReadTimeout: connectionTimeout, WriteTimeout: connectionTimeout,
		MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

// ServeHTTP answers for known tokens only.
func (l *httpListener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/.well-known/acme-challenge/")
	l.mu.Lock()
	keyAuth, known := l.proofs[name]
	l.mu.Unlock()
	if !ok || !known {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	fmt.Fprint(w, keyAuth)
}

func (l *httpListener) Withdraw(_ context.Context, p Proof) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.proofs, p.Token)
	return nil
}

func (l *httpListener) Close() error {
	if l.server == nil {
		return nil
	}
	return l.server.Close()
}

// alpnListener proves by a TLS server of our own that speaks only acme-tls/1
// (RFC 8737).
type alpnListener struct {
	address string

	mu       sync.Mutex
	certs    map[string]*tls.Certificate // by server name
	listener net.Listener
}

const alpnProtocol = "acme-tls/1"

func (l *alpnListener) Present(ctx context.Context, p Proof) error {
	cert, err := challengeCertificate(p)
	if err != nil {
		return fmt.Errorf("making the tls-alpn-01 certificate: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		var config net.ListenConfig
		if l.listener, err = config.Listen(ctx, "tcp", l.address); err != nil {
			l.listener = nil
			return fmt.Errorf("listening for tls-alpn-01: %w", err)
		}
		l.certs = map[string]*tls.Certificate{}
		go l.serve(bounded(l.listener))
	}
	l.certs[serverName(p.Name)] = cert
	return nil
}

// serve does the handshakes; the handshake is the whole answer.
func (l *alpnListener) serve(listener net.Listener) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{alpnProtocol}, GetCertificate: l.certificate}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(connectionTimeout))
			tls.Server(conn, config).Handshake()
		}()
	}
}

func (l *alpnListener) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cert, ok := l.certs[strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))]; ok {
		return cert, nil
	}
	return nil, errors.New("no challenge for this name")
}

func (l *alpnListener) Withdraw(_ context.Context, p Proof) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.certs, serverName(p.Name))
	return nil
}

func (l *alpnListener) Close() error {
	if l.listener == nil {
		return nil
	}
	return l.listener.Close()
}

// serverName is what a CA asks for: of an address its name for reverse
// look-ups (RFC 8738, section 6).
func serverName(name string) string {
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return name
	}
	var b strings.Builder
	bytes := addr.AsSlice()
	for i := len(bytes) - 1; i >= 0; i-- {
		if addr.Is4() {
			fmt.Fprintf(&b, "%d.", bytes[i])
		} else {
			fmt.Fprintf(&b, "%x.%x.", bytes[i]&0xf, bytes[i]>>4)
		}
	}
	if addr.Is4() {
		return b.String() + "in-addr.arpa"
	}
	return b.String() + "ip6.arpa"
}

// acmeIdentifier is the extension that holds the proof (RFC 8737, section 3).
var acmeIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}

func challengeCertificate(p Proof) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(p.KeyAuth))
	value, err := asn1.Marshal(sum[:])
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "acme"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: acmeIdentifier, Critical: true, Value: value}},
	}
	if ip := net.ParseIP(p.Name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{p.Name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
