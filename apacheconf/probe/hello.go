package probe

import (
	"crypto/rand"
	"crypto/tls"
	"net/netip"
)

// Extensions of TLS that are sent or read (IANA, TLS ExtensionType Values).
const (
	extServerName       = 0
	extGroups           = 10
	extPointFormats     = 11
	extSigAlgs          = 13
	extALPN             = 16
	extEMS              = 23
	extSessionTicket    = 35
	extVersions         = 43
	extSigAlgsCert      = 50
	extKeyShare         = 51
	extRenegotiation    = 0xff01
	scsvRenegotiation   = 0x00ff // RFC 5746, 3.3
	scsvFallback        = 0x5600 // RFC 7507
	versionSSL30        = 0x0300
	recordHandshake     = 22
	messageClientHello  = 1
	maxLegacyVersion    = tls.VersionTLS12
	firstRecordsVersion = tls.VersionTLS10
)

// keyShare is one entry of the key_share extension.
type keyShare struct {
	group Code
	data  []byte
}

// hello is a ClientHello. Offers are written as they stand, sensible or not.
type hello struct {
	version     uint16 // the highest version offered
	suites      []Code
	sni         string
	groups      []Code
	sigAlgs     []Code
	shares      []keyShare // TLS 1.3 only; none makes the server name the group it wants
	compression []byte     // methods beside null
	fallback    bool       // add TLS_FALLBACK_SCSV
}

// newHello offers everything but the suites.
func newHello(t Target, version uint16, suites []Code) hello {
	return hello{version: version, suites: suites, sni: t.SNI, groups: groupCodes(version), sigAlgs: allSigAlgs}
}

// record is the ClientHello in its record, ready to send.
func (h hello) record() []byte {
	recordVersion := uint16(firstRecordsVersion)
	if h.version == versionSSL30 {
		recordVersion = versionSSL30
	}
	return append(u16s([]byte{recordHandshake}, recordVersion), vec(2, h.message())...)
}

// message is the ClientHello as a handshake message (RFC 8446, 4.1.2).
func (h hello) message() []byte {
	body := u16s(nil, min(h.version, maxLegacyVersion))
	body = append(body, randomBytes(32)...)
	body = append(body, vec(1, h.sessionID())...)
	body = append(body, vec(2, u16s(nil, h.offered()...))...)
	body = append(body, vec(1, append(append([]byte{}, h.compression...), 0))...)
	if h.version > versionSSL30 {
		body = append(body, vec(2, h.extensions())...)
	}
	return append([]byte{messageClientHello}, vec(3, body)...)
}

// sessionID is random for TLS 1.3, so that middleboxes see a resumption (RFC 8446, D.4).
func (h hello) sessionID() []byte {
	if h.version < tls.VersionTLS13 {
		return nil
	}
	return randomBytes(32)
}

func (h hello) offered() []Code {
	suites := append([]Code{}, h.suites...)
	if h.version < tls.VersionTLS13 {
		suites = append(suites, scsvRenegotiation)
	}
	if h.fallback {
		suites = append(suites, scsvFallback)
	}
	return suites
}

func (h hello) extensions() []byte {
	var e extensions
	if h.sni != "" && !isIP(h.sni) {
		e.add(extServerName, vec(2, append([]byte{0}, vec(2, []byte(h.sni))...)))
	}
	e.add(extGroups, vec(2, u16s(nil, h.groups...)))
	e.add(extPointFormats, []byte{1, 0})
	e.add(extEMS, nil)
	if h.version >= tls.VersionTLS12 {
		e.add(extSigAlgs, vec(2, u16s(nil, h.sigAlgs...)))
		e.add(extSigAlgsCert, vec(2, u16s(nil, allSigAlgs...)))
	}
	if h.version < tls.VersionTLS13 {
		e.add(extSessionTicket, nil)
	} else {
		e.add(extVersions, vec(1, u16s(nil, h.version)))
		e.add(extKeyShare, vec(2, h.keyShares()))
	}
	return e
}

func (h hello) keyShares() []byte {
	var all []byte
	for _, s := range h.shares {
		all = append(u16s(all, s.group), vec(2, s.data)...)
	}
	return all
}

// extensions collects the extensions block.
type extensions []byte

func (e *extensions) add(id uint16, body []byte) {
	*e = append(u16s(*e, id), vec(2, body)...)
}

// isIP tells whether a name may not be sent as SNI (RFC 6066, 3).
func isIP(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
