package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// addresses are what the host of addr stands for, each with the port. A scan
// stays with one of them: two servers of one name may answer differently, and a
// report mixed of both would be true of neither.
func addresses(ctx context.Context, addr string) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, ip := range ips {
		all = append(all, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return all, nil
}

// find chooses an address of the target to stay with.
func (s *scanner) find(ctx context.Context) error {
	all, err := addresses(ctx, s.t.Addr)
	if err != nil {
		return err
	}
	return s.settle(ctx, all)
}

// settle chooses the first address that answers, and says what the others did.
func (s *scanner) settle(ctx context.Context, all []string) error {
	var first error
	for i, addr := range all {
		s.t.Addr = addr
		err := s.contact(ctx)
		if err == nil {
			for _, other := range all[i+1:] {
				s.note(fmt.Sprintf("%s is of the same name and was not scanned", hostOf(other)))
			}
			return nil
		}
		if first == nil {
			first = err
		}
		s.note(fmt.Sprintf("%s is of the same name and was not scanned: %v", hostOf(addr), cause(err)))
	}
	return first
}

func hostOf(addr string) string {
	ip, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addr
	}
	return ip.Addr().String()
}
