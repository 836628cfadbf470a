package apachetest

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"
)

// A started Apache serves the given certificate; a stopped one leaves no
// listener behind.
func TestStartServeStop(t *testing.T) {
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(filepath.Join(t.TempDir(), "gen"), Leaf{Names: []string{"a.test"}})
	if err != nil {
		t.Fatal(err)
	}
	a := Start(t, Options{VHosts: []VHost{{Name: "a.test", CertFile: pair.CertFile, KeyFile: pair.KeyFile}}})
	conn, err := tls.Dial("tcp", a.Addr(), &tls.Config{ServerName: "a.test", RootCAs: ca.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", a.Addr()); err == nil {
		conn.Close()
		t.Error("the TLS port still answers")
	}
}
