package accesslog

import (
	"fmt"
	"net/netip"
)

// Clients says how much of a client's address a copy of the log keeps.
type Clients string

// The ways to keep client addresses, from the most to the least.
const (
	ClientsFull      Clients = "full"      // as httpd wrote it
	ClientsTruncated Clients = "truncated" // the network only: /24 of IPv4, /48 of IPv6
	ClientsNone      Clients = "none"      // "-"
)

// ParseClients reads the word of a configuration file; "" means full.
func ParseClients(word string) (Clients, error) {
	switch c := Clients(word); c {
	case "":
		return ClientsFull, nil
	case ClientsFull, ClientsTruncated, ClientsNone:
		return c, nil
	}
	return "", fmt.Errorf("client %q: want full, truncated or none", word)
}

// Within tells whether a copy kept as c can be made from one kept as other: what
// was dropped once cannot be given to a second copy.
func (c Clients) Within(other Clients) bool {
	rank := map[Clients]int{ClientsNone: 0, ClientsTruncated: 1, ClientsFull: 2, "": 2}
	return rank[c] <= rank[other]
}

// Apply returns what c keeps of the field %h. Of a host name (HostnameLookups
// On) no part is a network, so truncation drops it whole.
func (c Clients) Apply(client string) string {
	switch c {
	case ClientsFull, "":
		return client
	case ClientsTruncated:
		if a, err := netip.ParseAddr(client); err == nil {
			return network(a)
		}
	}
	return "-"
}

// network returns a with its host part zeroed.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "-"
	}
	return p.Addr().String()
}

// ApplyLine returns line with only as much of the client in it as c keeps. In a
// line that does not parse, anything that reads as an address is treated so,
// because such a line may still hold one.
func (c Clients) ApplyLine(line []byte) []byte {
	if c == ClientsFull || c == "" {
		return line
	}
	var p Parser
	r, err := p.Scan(line)
	if err != nil {
		return c.scrub(line)
	}
	out := append([]byte(nil), line[:stampLen+1]...)
	out = append(out, c.Apply(string(r.Client))...)
	return append(out, line[stampLen+1+len(r.Client):]...)
}

// scrub applies c to every run of bytes in line that is an IP address.
func (c Clients) scrub(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		j := i
		for j < len(line) && addressByte(line[j]) {
			j++
		}
		if j == i {
			out = append(out, line[i])
			i++
			continue
		}
		word := string(line[i:j])
		if _, err := netip.ParseAddr(word); err == nil {
			word = c.Apply(word)
		}
		out = append(out, word...)
		i = j
	}
	return out
}

func addressByte(b byte) bool {
	return isHex(b) || b == '.' || b == ':'
}
