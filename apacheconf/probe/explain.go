package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"tlskeeper/internal/hint"
)

// explain adds to the error of a first contact what to look at next.
func explain(t Target, err error) error {
	err = fmt.Errorf("scanning %s: %w", t, err)
	host, port, _ := net.SplitHostPort(t.Addr)
	var dns *net.DNSError
	var wrong *notTLSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return hint.Wrap(err, "the name has no address here; try the server's: tlskeeper scan ADDRESS:"+port+" --sni "+host)
	case errors.As(err, &dns):
		return hint.Wrap(err, "the name server does not answer; try the address: tlskeeper scan ADDRESS:"+port+" --sni "+host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return hint.Wrap(err, "nothing listens there; on the server: ss -ltn 'sport = :"+port+"'")
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return hint.Wrap(err, "no route from here; try the server's other address family, or scan from another host")
	case errors.As(err, &wrong):
		return hint.Wrap(err, wrong.hint(host, port))
	case isHangup(err):
		return hint.Wrap(err, "it closes every connection without a word of TLS: a firewall may do so, or the port speaks something else")
	case isTimeout(err):
		return hint.Wrap(err, "a firewall may drop the packets, or the port speaks something else than TLS")
	}
	return err
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// notTLSError is an answer that cannot be TLS, by its first bytes.
type notTLSError struct{ head []byte }

// greetings are what people meet on a wrong port.
var greetings = []struct{ prefix, protocol string }{
	{"HTTP", "plain HTTP"}, {"<", "plain HTTP"}, {"SSH-", "SSH"}, {"220", "SMTP or FTP"},
	{"* OK", "IMAP"}, {"+OK", "POP3"}, {"RFB", "VNC"}, {"-ERR", "POP3 or Redis"},
}

func (e *notTLSError) protocol() string {
	for _, g := range greetings {
		if bytes.HasPrefix(e.head, []byte(g.prefix)) {
			return g.protocol
		}
	}
	return ""
}

func (e *notTLSError) Error() string {
	if p := e.protocol(); p != "" {
		return "not TLS, the server speaks " + p
	}
	return fmt.Sprintf("not TLS, it begins with % x", e.head)
}

func (e *notTLSError) Is(target error) bool { return target == errMalformed }

func (e *notTLSError) hint(host, port string) string {
	switch p := e.protocol(); {
	case p == "plain HTTP" && port == "443":
		return "the port answers without TLS; in Apache that is a virtual host on :443 without SSLEngine on"
	case p == "plain HTTP":
		return "the TLS port is mostly 443: tlskeeper scan " + net.JoinHostPort(host, "443")
	case strings.Contains(p, "SMTP"), p == "IMAP", strings.Contains(p, "POP3"):
		return "STARTTLS is not spoken here; scan the port where TLS begins at once (465, 990, 993, 995)"
	}
	return "is it the right port? HTTPS is mostly on 443"
}
