package httpd

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listening are the addresses on which a process listens. Source: proc_net(5);
// 0A is TCP_LISTEN.
func listening(pid int) (addrs map[string]bool, readable bool) {
	open, readable := descriptors(pid)
	sockets := ofKind(open, "socket:[")
	addrs = map[string]bool{}
	if len(sockets) == 0 {
		return addrs, readable
	}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue
		}
		for scan := bufio.NewScanner(f); scan.Scan(); {
			fields := strings.Fields(scan.Text())
			if len(fields) > 9 && fields[3] == "0A" && sockets["socket:["+fields[9]+"]"] {
				addrs[kernelAddr(fields[1])] = true
			}
		}
		f.Close()
	}
	return addrs, readable
}

// kernelAddr reads the kernel's "0100007F:1F90": words of four bytes in the
// machine's order, which is little-endian wherever we run.
func kernelAddr(s string) string {
	host, word, _ := strings.Cut(s, ":")
	var ip net.IP
	for i := 0; i+8 <= len(host); i += 8 {
		n, _ := strconv.ParseUint(host[i:i+8], 16, 32)
		ip = append(ip, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	port, _ := strconv.ParseUint(word, 16, 16)
	return net.JoinHostPort(ip.String(), strconv.FormatUint(port, 10))
}

// Listening are the addresses on which the running Apache listens, none where
// it is not running. They are not readable where its descriptors are closed to us.
func (s *Server) Listening() (addrs map[string]bool, readable bool) {
	p, ok := s.Parent()
	if !ok {
		return map[string]bool{}, true
	}
	return listening(p.PID)
}

// Holder is the process that listens on a port, where /proc lets us see it.
func Holder(port int) (p Process, ok bool) {
	suffix := ":" + strconv.Itoa(port)
	fds, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, dir := range fds {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		addrs, _ := listening(pid)
		for addr := range addrs {
			if p, ok := readProcess(pid); ok && strings.HasSuffix(addr, suffix) {
				return p, true
			}
		}
	}
	return Process{}, false
}
