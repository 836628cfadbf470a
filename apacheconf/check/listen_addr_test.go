package check

import (
	"fmt"
	"net"
	"testing"
)

func TestListenAddr(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{"443": "[::]:443", "*:443": "[::]:443", "0.0.0.0:80": "0.0.0.0:80", "[::1]:8443": "[::1]:8443", "127.0.0.1:1": "127.0.0.1:1"} {
		ip, port, ok := listenAddr(arg)
		if got := net.JoinHostPort(ip.String(), fmt.Sprint(port)); !ok || got != want {
			t.Errorf("%s: %s %v, want %s", arg, got, ok, want)
		}
	}
	if _, _, ok := listenAddr("www.example.org:80"); ok {
		t.Error("a name is resolved by httpd, not by us")
	}
}
