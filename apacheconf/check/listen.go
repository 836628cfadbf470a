package check

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// listenFaults finds every Listen that passes all checks of httpd and kills it
// at the reload: an address that the host lacks (AH00019), or one that another
// process holds (AH00072).
func listenFaults(s *httpd.Server) []conf.Finding {
	held, readable := s.Listening()
	var out []conf.Finding
	for _, n := range conf.All(s.Conf, "Listen") {
		ip, port, ok := listenAddr(n.Arg(0))
		if !ok || holds(held, ip, port) {
			continue
		}
		why := bindFault(ip, port)
		if why == portTaken && !readable { // by Apache itself, as far as we may know
			continue
		}
		if why == portTaken && heldOtherwise(held, port) {
			why = "the running Apache holds this port by another address: a reload would kill it, stop and start would not"
		} else if why == portTaken {
			if p, ok := httpd.Holder(port); ok {
				why += fmt.Sprintf(" (%s, process %d)", p.Name, p.PID)
			}
		}
		if why != "" {
			out = append(out, conf.Finding{Code: "listen", File: n.File, Line: n.Line, What: n.Text() + ": " + why})
		}
	}
	return out
}

// holds: a Listen without an address is one socket or two, as httpd was built.
func holds(held map[string]bool, ip net.IP, port int) bool {
	word := strconv.Itoa(port)
	return held[net.JoinHostPort(ip.String(), word)] || ip.Equal(net.IPv6zero) && held["0.0.0.0:"+word]
}

func heldOtherwise(held map[string]bool, port int) bool {
	for addr := range held {
		if strings.HasSuffix(addr, ":"+strconv.Itoa(port)) {
			return true
		}
	}
	return false
}

const portTaken = "another process holds this port"

// listenAddr reads the argument of a Listen; without an address httpd takes
// every one, by IPv6 where it can.
func listenAddr(arg string) (net.IP, int, bool) {
	host, word, err := net.SplitHostPort(arg)
	if err != nil {
		host, word = "", arg
	}
	port, err := strconv.Atoi(word)
	if err != nil {
		return nil, 0, false
	}
	if host == "" || host == "*" {
		return net.IPv6zero, port, true
	}
	ip := net.ParseIP(host)
	return ip, port, ip != nil // a host name is resolved by httpd itself
}

// bindFault tries what httpd will do, without listening: no client is taken
// away from anybody. "" is also the answer where we may not try.
func bindFault(ip net.IP, port int) string {
	err := bind(ip, port)
	if ip.Equal(net.IPv6zero) && (errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)) {
		err = bind(net.IPv4zero, port)
	}
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this host has no such address"
	case errors.Is(err, syscall.EADDRINUSE):
		return portTaken
	}
	return ""
}

func bind(ip net.IP, port int) error {
	family, addr := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Port: port, Addr: [16]byte(ip.To16())})
	if v4 := ip.To4(); v4 != nil {
		family, addr = syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: [4]byte(v4)}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return syscall.Bind(fd, addr)
}
