package templates

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"tlskeeper/internal/certname"
)

var funcs = template.FuncMap{
	"arg":    quote,
	"join":   joinWords,
	"format": quoteFormat,
	"regexp": regexp.QuoteMeta,
}

// Quote makes one argument of a directive. It refuses what httpd would read as
// more than the value: line ends and other control characters, a quote or a
// backslash (httpd unescapes only some of them), and `${`, which is replaced
// before the line is parsed.
// Source: server/util.c ap_getword_conf, server/config.c ap_resolve_env.
func Quote(s string) (string, error) { return quote(s) }

func quote(s string) (string, error) {
	if err := plain(s); err != nil {
		return "", err
	}
	if strings.ContainsAny(s, `"\`) || strings.Contains(s, "${") {
		return "", fmt.Errorf("value %q: quotes, backslashes and ${ do not fit into an Apache directive", s)
	}
	return `"` + s + `"`, nil
}

func plain(s string) error {
	if s == "" || len(s) > 4096 || !utf8.ValidString(s) {
		return fmt.Errorf("value %.40q: empty, too long or not UTF-8", s)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
		return fmt.Errorf("value %.40q: holds a control character", s)
	}
	return nil
}

// quoteFormat quotes a log format, whose own quotes are escaped.
func quoteFormat(s string) (string, error) {
	if err := plain(s); err != nil {
		return "", err
	}
	if strings.ContainsAny(s, `\`) || strings.Contains(s, "${") {
		return "", fmt.Errorf("log format %q: backslashes and ${ do not fit into an Apache directive", s)
	}
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`, nil
}

var word = regexp.MustCompile(`^[A-Za-z0-9_.+-]+$`)

// joinWords makes one colon list of OpenSSL names.
func joinWords(words []string) (string, error) {
	for _, w := range words {
		if !word.MatchString(w) {
			return "", fmt.Errorf("cipher or group %q: not a name that OpenSSL could know", w)
		}
	}
	return strings.Join(words, ":"), nil
}

// CheckName refuses what cannot be the name of a certificate, and so of a file
// beside the server-level one, tlskeeper.conf.
func CheckName(name string) error {
	if why := certname.Problem(name); why != "" {
		return fmt.Errorf("certificate name %.80q %s", name, why)
	}
	return nil
}

var hostName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)

func checkHost(name string) error {
	if len(name) > 253 || !hostName.MatchString(name) {
		return fmt.Errorf("site name %.80q: not a host name", name)
	}
	return nil
}

// checkPath wants an absolute clean path, without characters that Include and
// friends expand. A path that begins with a pipe would be a command.
func checkPath(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("path %q: not absolute and clean", path)
	}
	if strings.ContainsAny(path, "*?[]|") {
		return fmt.Errorf("path %q: wildcards do not fit into an Apache directive", path)
	}
	return nil
}

// checkProxy wants the URL of a program behind Apache. A word that ProxyPass
// takes for something else, as "!", is none.
func checkProxy(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("proxy %.80q: want http://HOST:PORT/ or https://HOST:PORT/", s)
	}
	return nil
}

// checkAddress wants the address of a <VirtualHost> with its port.
func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 || port != strconv.FormatUint(n, 10) {
		return fmt.Errorf("address %.80q: want *:PORT or IP:PORT, a port from 1 to 65535", s)
	}
	ip, err := netip.ParseAddr(host)
	bracketed, anyHost := strings.HasPrefix(s, "["), host == "*" || host == "_default_"
	if anyHost && bracketed || !anyHost && (err != nil || ip.Zone() != "" || ip.Is6() != bracketed) {
		return fmt.Errorf("address %.80q: want *:PORT, IPv4:PORT or [IPv6]:PORT", s)
	}
	return nil
}
