package conf

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// resolveTimeout bounds the look-up of a host name in a <VirtualHost>, which
// httpd makes as well when it starts.
const resolveTimeout = 2 * time.Second

// claim is one address of a <VirtualHost>; the zero IP is every one, and port 0
// every one.
type claim struct {
	IP   netip.Addr
	Port uint16
}

// rank: an address and port of its own wins, then an address with any port,
// then any address with that port. Measured on 2.4.71 in all pairs and both
// orders; httpd.apache.org/docs/2.4/vhosts/details.html.
func (c claim) rank(at netip.AddrPort) int {
	switch {
	case c.IP.IsValid() && c.IP != at.Addr(), c.Port != 0 && c.Port != at.Port():
		return 0
	case c.IP.IsValid() && c.Port != 0:
		return 4
	case c.IP.IsValid():
		return 3
	case c.Port != 0:
		return 2
	}
	return 1
}

// Addresses tells by which addresses of this host the virtual hosts of one
// configuration are reached.
type Addresses struct {
	Claims map[string][]claim // by the text of the address
	won    map[claim][]netip.AddrPort
}

// NewAddresses reads the Listen lines, and the addresses of all virtual hosts.
func NewAddresses(listen, written []string) Addresses {
	x := Addresses{Claims: map[string][]claim{}, won: map[claim][]netip.AddrPort{}}
	var all []claim
	for _, a := range written {
		if _, known := x.Claims[a]; !known {
			x.Claims[a] = claimsOf(a)
			all = append(all, x.Claims[a]...)
		}
	}
	local := localAddrs()
	seen := map[netip.AddrPort]bool{}
	for _, l := range listen {
		host, port := splitAddress(l)
		for _, d := range dials(host, port, all, local) {
			if best, ok := winner(all, d); ok && !seen[d] {
				seen[d] = true
				x.won[best] = append(x.won[best], d)
			}
		}
	}
	return x
}

// Of are the addresses, host:port, at which a virtual host with this one is
// asked; none where no Listen reaches it, or others take all connections.
func (x Addresses) Of(written string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, c := range x.Claims[written] {
		for _, d := range x.won[c] {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

func winner(all []claim, at netip.AddrPort) (best claim, ok bool) {
	highest := 0
	for _, c := range all {
		if r := c.rank(at); r > highest {
			best, highest = c, r
		}
	}
	return best, highest > 0
}

// dials are where to try one Listen: its address; or where it takes every one,
// those that virtual hosts have to themselves, and one that none has.
func dials(host string, port uint16, all []claim, local []netip.Addr) []netip.AddrPort {
	ips := resolve(host)
	if len(ips) > 0 || port == 0 {
		return WithPort(ips, port)
	}
	specific := map[netip.Addr]bool{}
	for _, c := range all {
		if c.IP.IsValid() && (c.Port == 0 || c.Port == port) && (c.IP.IsLoopback() || slices.Contains(local, c.IP)) && !specific[c.IP] {
			specific[c.IP] = true
			ips = append(ips, c.IP)
		}
	}
	common := append([]netip.Addr{netip.MustParseAddr("127.0.0.1")}, local...)
	if host == "::" {
		common = append([]netip.Addr{netip.IPv6Loopback()}, local...)
	}
	if i := slices.IndexFunc(common, func(ip netip.Addr) bool { return !specific[ip] }); i >= 0 {
		ips = append(ips, common[i])
	}
	return WithPort(ips, port)
}

// WithPort are these addresses, each with the port.
func WithPort(ips []netip.Addr, port uint16) []netip.AddrPort {
	var out []netip.AddrPort
	for _, ip := range ips {
		out = append(out, netip.AddrPortFrom(ip, port))
	}
	return out
}

// claimsOf reads an address as httpd does: a host name stands for all of its
// addresses, and for none where it has none (AH00547).
func claimsOf(written string) []claim {
	host, port := splitAddress(written)
	if isWild(host) {
		return []claim{{Port: port}}
	}
	var out []claim
	for _, ip := range resolve(host) {
		out = append(out, claim{ip, port})
	}
	return out
}

// splitAddress splits "host:port", "[v6]:port", "host", "port"; port is 0 where
// there is none, or "*".
func splitAddress(s string) (host string, port uint16) {
	if h, p, err := net.SplitHostPort(s); err == nil {
		n, _ := strconv.ParseUint(p, 10, 16)
		return h, uint16(n)
	}
	if n, err := strconv.ParseUint(s, 10, 16); err == nil { // a Listen
		return "", uint16(n)
	}
	return strings.Trim(s, "[]"), 0
}

func isWild(host string) bool {
	return host == "" || host == "*" || host == "_default_" || host == "0.0.0.0" || host == "::"
}

// resolve is empty for a wildcard.
func resolve(host string) []netip.Addr {
	if isWild(host) {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	ips, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips
}

// localAddrs are the addresses of this host that others can use.
func localAddrs() []netip.Addr {
	var out []netip.Addr
	nets, _ := net.InterfaceAddrs()
	for _, n := range nets {
		prefix, err := netip.ParsePrefix(n.String())
		if err == nil && !prefix.Addr().IsLinkLocalUnicast() {
			out = append(out, prefix.Addr().Unmap())
		}
	}
	return out
}
