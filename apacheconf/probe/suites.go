package probe

import (
	"fmt"
	"strconv"
	"strings"
)

// Code is a number of one of IANA's TLS registries; in text it is 0x and four
// hexadecimal digits.
type Code uint16

func (c Code) String() string { return fmt.Sprintf("0x%04x", uint16(c)) }

// MarshalText gives the form of String.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the form of String.
func (c *Code) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 0, 16)
	if err != nil {
		return fmt.Errorf("reading a TLS code: %w", err)
	}
	*c = Code(n)
	return nil
}

// Suite is one cipher suite and what its name says about it.
type Suite struct {
	ID             Code   `json:"id"`
	Name           string `json:"name"`              // IANA's
	OpenSSL        string `json:"openssl,omitempty"` // as SSLCipherSuite and the log name it
	KeyExchange    string `json:"key_exchange"`      // ECDHE, DHE, RSA, ECDH, DH, PSK, ...; "any" in TLS 1.3
	Auth           string `json:"auth"`              // ECDSA, RSA, DSS, PSK, anon, ...; "any" in TLS 1.3
	Cipher         string `json:"cipher"`            // AES_128_GCM, CHACHA20_POLY1305, ...
	Bits           int    `json:"bits"`              // effective strength, 112 for 3DES
	AEAD           bool   `json:"aead"`
	ForwardSecrecy bool   `json:"forward_secrecy"`
}

// Label is the name an Apache admin knows: OpenSSL's where it has one.
func (s Suite) Label() string {
	if s.OpenSSL != "" {
		return s.OpenSSL
	}
	return s.Name
}

// tls13 tells whether the suite belongs to TLS 1.3.
func (s Suite) tls13() bool { return s.KeyExchange == "any" }

// suiteByID describes a suite; one that is not in the table has its number as name.
func suiteByID(id Code) Suite {
	for _, n := range suiteNames {
		if Code(n.id) == id {
			return describeSuite(id, n.iana, n.openssl)
		}
	}
	return Suite{ID: id, Name: id.String()}
}

// suiteCodes are the suites to offer: those of TLS 1.3, or all others.
func suiteCodes(tls13 bool) []Code {
	var codes []Code
	for _, n := range suiteNames {
		if s := describeSuite(Code(n.id), n.iana, n.openssl); s.tls13() == tls13 {
			codes = append(codes, s.ID)
		}
	}
	return codes
}

// describeSuite reads the properties off IANA's name, which is regular:
// TLS_<key exchange>_WITH_<cipher>_<MAC>, or TLS_<cipher>_<hash> in TLS 1.3.
func describeSuite(id Code, iana, openssl string) Suite {
	s := Suite{ID: id, Name: iana, OpenSSL: openssl}
	kx, cipher, ok := strings.Cut(strings.TrimPrefix(iana, "TLS_"), "_WITH_")
	if !ok {
		kx, cipher = "any", kx
	}
	s.KeyExchange, s.Auth = keyExchangeOf(strings.TrimPrefix(kx, "SSL_"))
	s.Cipher = cipherOf(cipher)
	s.AEAD = strings.Contains(cipher, "GCM") || strings.Contains(cipher, "CCM") || strings.Contains(cipher, "POLY1305")
	s.Bits = bitsOf(cipher, kx)
	s.ForwardSecrecy = s.KeyExchange == "any" || strings.HasSuffix(s.KeyExchange, "DHE") && s.Auth != "anon"
	return s
}

// keyExchangeOf splits the first half of a name into key exchange and authentication.
func keyExchangeOf(kx string) (exchange, auth string) {
	kx = strings.TrimSuffix(strings.TrimSuffix(kx, "_EXPORT1024"), "_EXPORT")
	kx = strings.TrimSuffix(kx, "_FIPS")
	switch {
	case kx == "any":
		return "any", "any"
	case kx == "PSK_DHE":
		return "DHE", "PSK"
	case strings.HasPrefix(kx, "SRP_SHA"):
		return "SRP", strings.TrimPrefix(strings.TrimPrefix(kx, "SRP_SHA"), "_")
	}
	exchange, auth, found := strings.Cut(kx, "_")
	switch {
	case !found:
		return exchange, exchange
	case auth == "anon": // ephemeral, though IANA calls it DH and ECDH
		return exchange + "E", auth
	}
	return exchange, auth
}

// cipherOf cuts the MAC or hash off the second half of a name.
func cipherOf(cipher string) string {
	for _, mac := range []string{"_SHA256_OLD", "_SHA256", "_SHA384", "_SHA", "_MD5", "_SM3", "_IMIT", "_OMAC"} {
		if cut, ok := strings.CutSuffix(cipher, mac); ok {
			return cut
		}
	}
	return cipher
}

// strengths are the effective key lengths in bits by a part of the cipher's
// name; the first that fits counts. 3DES has 112 (NIST SP 800-57, part 1, 5.6.1).
var strengths = []struct {
	part string
	bits int
}{
	{"NULL", 0}, {"SHA256_SHA256", 0}, {"SHA384_SHA384", 0},
	{"RC4_40", 40}, {"CBC_40", 40}, {"DES40", 40}, {"RC4_56", 56}, {"CBC_56", 56},
	{"3DES", 112}, {"DES_CBC", 56},
	{"AES_256", 256}, {"CAMELLIA_256", 256}, {"ARIA_256", 256}, {"CHACHA20", 256},
	{"KUZNYECHIK", 256}, {"MAGMA", 256}, {"28147", 256},
}

func bitsOf(cipher, kx string) int {
	for _, s := range strengths {
		if strings.Contains(cipher, s.part) {
			if strings.Contains(kx, "EXPORT1024") {
				return min(s.bits, 56)
			}
			return s.bits
		}
	}
	return 128
}
