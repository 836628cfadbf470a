package conf

import (
	"net/netip"
	"slices"
	"testing"
)

// Which virtual host a connection belongs to: measured on 2.4.71.
func TestMostSpecificAddressWins(t *testing.T) {
	t.Parallel()
	written := []string{"*:443", "*", "127.0.0.1", "127.0.0.1:443", "127.0.0.2:443", "[::1]:443"}
	x := NewAddresses([]string{"443", "127.0.0.3:8443", "127.0.0.1:8443"}, written)
	for a, want := range map[string]string{"127.0.0.1:443": "127.0.0.1:443", "127.0.0.1": "127.0.0.1:8443", "127.0.0.2:443": "127.0.0.2:443", "*": "127.0.0.3:8443", "[::1]:443": "[::1]:443"} {
		if got := x.Of(a); !slices.Equal(got, []netip.AddrPort{netip.MustParseAddrPort(want)}) {
			t.Errorf("%s is asked at %v, want %s", a, got, want)
		}
	}
	for _, d := range x.Of("*:443") {
		if d.Addr().IsLoopback() || d.Port() != 443 {
			t.Errorf("*:443 is asked at %v", d)
		}
	}
}
