package acmetest

import (
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// TB is the part of testing.TB that New needs. The interface keeps package
// testing out of programs that only Start a CA.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
	TempDir() string
}

// New starts a CA that ends with the test. Ports left 0 are chosen.
func New(t TB, o Options) *CA {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	c, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Webroot serves dir over plain HTTP on loopback, as Apache would, until the
// test ends, and returns the port.
func Webroot(t TB, dir string) int {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	return n
}

// FreePort returns a loopback port that nobody listens on at this moment. It
// lies below those that the kernel gives to outgoing connections (Linux: from
// 32768), one of which could take it before the caller does.
func FreePort(t TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
