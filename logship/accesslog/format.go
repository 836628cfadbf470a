// Package accesslog is the one place that knows the line of the TLS access
// log: the LogFormat that the Apache template writes, the parser that the
// store reads with, and the writer that gives the same bytes back.
//
// It imports the standard library only.
package accesslog

import (
	"strings"
	"time"
)

// Format is the LogFormat of the TLS access log, as it stands inside the single
// quotes of an Apache directive. It is the line that questions about negotiated
// protocols and ciphers are asked of; %t, %h, %H and %v are documented in
// httpd's mod_log_config manual, the two SSL variables in mod_ssl's.
const Format = `%t,%h,%H,%v,%{SSL_PROTOCOL}x,%{SSL_CIPHER}x,"%{User-agent}i"`

// stampLayout is %t: the time the request was received, English month names
// whatever the locale, one-second resolution.
const stampLayout = "[02/Jan/2006:15:04:05 -0700]"

// Entry is one request. Every field but Time is the text httpd wrote, still in
// httpd's backslash escapes; a field may be empty or "-".
type Entry struct {
	Time      time.Time // the second of arrival, in the zone of %t
	Client    string    // %h
	HTTP      string    // %H, such as HTTP/1.1
	VHost     string    // %v
	Protocol  string    // SSL_PROTOCOL, such as TLSv1.3
	Cipher    string    // SSL_CIPHER, OpenSSL's name
	UserAgent string    // User-agent header, escaped; see Unescape
}

// Append appends the line of e, without a newline, to dst. For an Entry that
// Parse returned it gives back exactly the bytes that were parsed.
func (e Entry) Append(dst []byte) []byte {
	dst = e.Time.AppendFormat(dst, stampLayout)
	for _, field := range [...]string{e.Client, e.HTTP, e.VHost, e.Protocol, e.Cipher} {
		dst = append(dst, ',')
		dst = append(dst, field...)
	}
	dst = append(dst, `,"`...)
	dst = append(dst, e.UserAgent...)
	return append(dst, '"')
}

// Unescape undoes httpd's escapes (ap_escape_logitem: \" \\ \b \n \r \t \v and
// \xhh) and returns the bytes that the client sent. The result is hostile: it
// may hold control bytes, so it must be escaped again for whatever shows it.
// A backslash that begins no known escape is kept.
func Unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		b, n := unescapeByte(s[i:])
		out = append(out, b)
		i += n
	}
	return string(out)
}

// unescapeByte returns the first byte that s stands for and how much of s it took.
func unescapeByte(s string) (byte, int) {
	if s[0] != '\\' || len(s) < 2 {
		return s[0], 1
	}
	switch s[1] {
	case '"', '\\':
		return s[1], 2
	case 'b':
		return '\b', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'v':
		return '\v', 2
	case 'x':
		if len(s) >= 4 && isHex(s[2]) && isHex(s[3]) {
			return unhex(s[2])<<4 | unhex(s[3]), 4
		}
	}
	return s[0], 1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
