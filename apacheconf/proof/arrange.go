package proof

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"

	"tlskeeper/apacheconf/conf"
)

// A shadow answers on loopback, arranged as the live server is: each address
// that a virtual host has to itself becomes one of 127.0.0.0/8, each port
// another port, and a wildcard stays one. So httpd itself decides there, too,
// which virtual host a connection belongs to, and which is the first one.
type shadowAddrs struct {
	live  conf.Addresses
	ips   map[netip.Addr]netip.Addr
	ports map[uint16]uint16
	pairs []netip.AddrPort // what the shadow listens on
	spare netip.AddrPort   // keeps a shadow without hosts alive
}

// common stands for every address that no virtual host has to itself.
var common = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// nowhere is the address of a virtual host that nothing reaches.
const nowhere = "127.255.255.254:1"

// arrange chooses addresses for the virtual hosts of conf.
func arrange(tree []*conf.Node) (*shadowAddrs, error) {
	var listen, written []string
	for _, n := range conf.All(tree, "Listen") {
		listen = append(listen, n.Arg(0))
	}
	for _, v := range conf.All(tree, "VirtualHost") {
		written = append(written, v.Words()...)
	}
	a := &shadowAddrs{live: conf.NewAddresses(listen, written), ips: map[netip.Addr]netip.Addr{}, ports: map[uint16]uint16{}}
	needed := map[uint16][]netip.Addr{} // shadow addresses to listen on, by live port
	block := byte(64 + rand.IntN(63))
	for _, w := range written {
		for _, c := range a.live.Claims[w] {
			if _, known := a.ips[c.IP]; c.IP.IsValid() && !known {
				n := len(a.ips) + 1
				a.ips[c.IP] = netip.AddrFrom4([4]byte{127, block, byte(n >> 8), byte(n)})
			}
			if c.Port != 0 {
				needed[c.Port] = nil
			}
		}
	}
	for _, v := range conf.All(tree, "VirtualHost") {
		if conf.EngineOn(tree, v) {
			a.need(needed, v.Words())
		}
	}
	return a, a.takePorts(needed)
}

func (a *shadowAddrs) need(needed map[uint16][]netip.Addr, written []string) {
	for _, w := range written {
		for _, d := range a.live.Of(w) {
			if ip := a.ip(d.Addr()); !slices.Contains(needed[d.Port()], ip) {
				needed[d.Port()] = append(needed[d.Port()], ip)
			}
		}
	}
}

func (a *shadowAddrs) takePorts(needed map[uint16][]netip.Addr) error {
	needed[0] = []netip.Addr{common}
	used := map[uint16]bool{}
	for port, ips := range needed {
		free, err := freePort(ips, used)
		if err != nil {
			return err
		}
		a.ports[port] = free
		if port == 0 {
			a.spare = netip.AddrPortFrom(common, free)
			ips = nil
		}
		a.pairs = append(a.pairs, conf.WithPort(ips, free)...)
	}
	a.pairs = append(a.pairs, a.spare)
	return nil
}

func (a *shadowAddrs) ip(live netip.Addr) netip.Addr {
	if ip, ok := a.ips[live]; ok {
		return ip
	}
	return common
}

// at is where the shadow answers for an address of the live server.
func (a *shadowAddrs) at(live netip.AddrPort) string {
	return netip.AddrPortFrom(a.ip(live.Addr()), a.ports[live.Port()]).String()
}

// written is an address of a <VirtualHost> as the shadow has it.
func (a *shadowAddrs) written(address string) []string {
	claims := a.live.Claims[address]
	if len(claims) == 0 {
		return []string{nowhere}
	}
	var out []string
	for _, c := range claims {
		host := "*"
		if c.IP.IsValid() {
			host = a.ip(c.IP).String()
		}
		if c.Port != 0 {
			host = fmt.Sprintf("%s:%d", host, a.ports[c.Port])
		}
		out = append(out, host)
	}
	return out
}

// freePort is a port that was free on all these addresses a moment ago, below
// the range of which the kernel takes the ports of outgoing connections.
func freePort(ips []netip.Addr, used map[uint16]bool) (uint16, error) {
	var fault error
	for range 100 {
		port := uint16(10000 + rand.IntN(22000))
		if used[port] {
			continue
		}
		if fault = tryPort(ips, port); fault == nil {
			used[port] = true
			return port, nil
		}
	}
	return 0, fault
}

func tryPort(ips []netip.Addr, port uint16) error {
	for _, ip := range ips {
		l, err := net.Listen("tcp", netip.AddrPortFrom(ip, port).String())
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}
