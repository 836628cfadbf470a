package leaf

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// sctListOID marks the extension with the signed certificate timestamps
// (RFC 6962, section 3.3).
var sctListOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

// SCTs returns the certificate's embedded timestamps, each as its raw bytes;
// none where the extension is missing or malformed.
func SCTs(cert *x509.Certificate) [][]byte {
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(sctListOID) {
			continue
		}
		var list []byte
		if rest, err := asn1.Unmarshal(ext.Value, &list); err != nil || len(rest) > 0 {
			return nil
		}
		return splitSCTs(list)
	}
	return nil
}

// SCT is what a log promised: to publish the certificate, at this time.
type SCT struct {
	LogID string    `json:"log_id"` // base64 of the SHA-256 of the log's key, as log lists write it
	Time  time.Time `json:"time"`
}

// ParseSCT reads one timestamp of version 1 (RFC 6962, section 3.2). It does
// not verify the log's signature.
func ParseSCT(raw []byte) (SCT, bool) {
	const head = 1 + 32 + 8 // version, log id, milliseconds
	if len(raw) < head || raw[0] != 0 {
		return SCT{}, false
	}
	millis := binary.BigEndian.Uint64(raw[33:head])
	if millis > 1<<53 { // more than any calendar holds
		return SCT{}, false
	}
	return SCT{LogID: base64.StdEncoding.EncodeToString(raw[1:33]), Time: time.UnixMilli(int64(millis)).UTC()}, true
}

// splitSCTs takes the TLS encoding apart: a two-byte length in front of the
// whole and of each.
func splitSCTs(list []byte) [][]byte {
	body, rest, ok := cutVector(list)
	if !ok || len(rest) > 0 {
		return nil
	}
	var scts [][]byte
	for len(body) > 0 {
		var one []byte
		if one, body, ok = cutVector(body); !ok {
			return nil
		}
		scts = append(scts, one)
	}
	return scts
}

func cutVector(data []byte) (body, rest []byte, ok bool) {
	if len(data) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(data))
	if len(data) < 2+n {
		return nil, nil, false
	}
	return data[2 : 2+n], data[2+n:], true
}
