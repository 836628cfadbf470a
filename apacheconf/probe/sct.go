package probe

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"time"
)

// oidSCTs is the extension with the embedded SCT list (RFC 6962, 3.3).
var oidSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

// notVerified is what is said of an SCT until a list of logs is at hand.
const notVerified = "not verified"

// embeddedSCTs reads the SCTs in a certificate. One that cannot be read is
// left out: the list is for people, and nothing is decided by it.
func embeddedSCTs(leaf *x509.Certificate) []SCT {
	for _, ext := range leaf.Extensions {
		if !ext.Id.Equal(oidSCTs) {
			continue
		}
		var list []byte
		if rest, err := asn1.Unmarshal(ext.Value, &list); err != nil || len(rest) > 0 {
			return nil
		}
		c := &cursor{b: list}
		entries := c.sub(2)
		var raw [][]byte
		for !entries.empty() && !entries.bad {
			raw = append(raw, entries.vec(2))
		}
		return parseSCTs(raw, "certificate")
	}
	return nil
}

// parseSCTs reads serialized SCTs (RFC 6962, 3.2).
func parseSCTs(raw [][]byte, source string) []SCT {
	var all []SCT
	for _, one := range raw {
		c := &cursor{b: one}
		version, id, millis := c.u8(), c.take(32), c.uint(8)
		if c.bad || version != 0 {
			continue
		}
		all = append(all, SCT{
			LogID: base64.StdEncoding.EncodeToString(id), Time: time.UnixMilli(int64(millis)).UTC(),
			Source: source, Verified: notVerified,
		})
	}
	return all
}
