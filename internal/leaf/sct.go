package leaf

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
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
