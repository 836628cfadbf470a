package probe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// testKey makes a key of a kind; RSA keys are slow to make and are shared.
func testKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	switch kind {
	case "ecdsa":
		key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	case "rsa":
		return rsaKey()
	}
	t.Fatalf("no key of kind %q", kind)
	return nil
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// testCert makes a self-signed certificate.
func testCert(t testing.TB, kind string, names ...string) tls.Certificate {
	t.Helper()
	return issue(t, kind, nil, nil, func(c *x509.Certificate) { c.DNSNames = names })
}

// issue makes a certificate signed by parent, or by itself.
func issue(t testing.TB, kind string, parent *tls.Certificate, key crypto.Signer, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	if key == nil {
		key = testKey(t, kind)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "probe test " + serial.String()},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(90 * 24 * time.Hour),
	}
	if edit != nil {
		edit(template)
	}
	signer, issuer := crypto.Signer(key), template
	if parent != nil {
		signer, issuer = parent.PrivateKey.(crypto.Signer), parent.Leaf
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serve runs an HTTPS server with the configuration on loopback.
func serve(t testing.TB, config *tls.Config) Target {
	t.Helper()
	return serveHTTP(t, config, http.NotFoundHandler())
}

func serveHTTP(t testing.TB, config *tls.Config, h http.Handler) Target {
	t.Helper()
	return listen(t, speaksTLS(config, h))
}

// speaksTLS handles connections as an HTTPS server does.
func speaksTLS(config *tls.Config, h http.Handler) func(net.Conn) {
	return func(conn net.Conn) {
		tlsConn := tls.Server(conn, config)
		if tlsConn.Handshake() != nil {
			return
		}
		done := make(chan struct{})
		server := &http.Server{Handler: h, ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				close(done)
			}
		}}
		server.Serve(&oneConn{conn: tlsConn, done: done})
	}
}

// oneConn is a listener that gives one connection and ends with it.
type oneConn struct {
	conn net.Conn
	once sync.Once
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	var first net.Conn
	l.once.Do(func() { first = l.conn })
	if first != nil {
		return first, nil
	}
	<-l.done
	return nil, io.EOF
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// listen runs a server on loopback that handles each connection and closes it.
func listen(t testing.TB, handle func(net.Conn)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listenOn(t, l, handle)
}

func listenOn(t testing.TB, l net.Listener, handle func(net.Conn)) Target {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				handle(conn)
				mu.Lock()
				delete(open, conn)
				mu.Unlock()
			})
		}
	})
	return Target{Addr: l.Addr().String(), SNI: "example.test"}
}

// silent reads for ever and never answers.
func silent(conn net.Conn) { io.Copy(io.Discard, conn) }
