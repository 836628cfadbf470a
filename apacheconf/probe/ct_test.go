package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	ct "github.com/google/certificate-transparency-go"
	cttls "github.com/google/certificate-transparency-go/tls"
)

// testLog is a CT log with a key of our own.
type testLog struct {
	key      *ecdsa.PrivateKey
	spki     []byte
	operator string
}

func newTestLog(t testing.TB, operator string) testLog {
	t.Helper()
	key := p256Key(t)
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return testLog{key: key, spki: spki, operator: operator}
}

// sign gives an SCT for an entry, as a log would.
func (l testLog) sign(t testing.TB, leaf *ct.MerkleTreeLeaf, at time.Time) []byte {
	t.Helper()
	millis := uint64(at.UnixMilli())
	leaf.TimestampedEntry.Timestamp = millis
	sct := ct.SignedCertificateTimestamp{LogID: ct.LogID{KeyID: sha256.Sum256(l.spki)}, Timestamp: millis, Extensions: ct.CTExtensions{}}
	input, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: *leaf})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := cttls.CreateSignature(*l.key, cttls.SHA256, input)
	if err != nil {
		t.Fatal(err)
	}
	sct.Signature = ct.DigitallySigned(signature)
	raw, err := cttls.Marshal(sct)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// logList makes a list in Google's layout.
func logList(t testing.TB, date time.Time, state string, since time.Time, logs ...testLog) *LogList {
	t.Helper()
	var operators []map[string]any
	for _, l := range logs {
		id := sha256.Sum256(l.spki)
		operators = append(operators, map[string]any{"name": l.operator, "tiled_logs": []any{map[string]any{
			"description": l.operator + "'s log", "log_id": base64.StdEncoding.EncodeToString(id[:]),
			"key":   base64.StdEncoding.EncodeToString(l.spki),
			"state": map[string]any{state: map[string]any{"timestamp": since}},
		}}})
	}
	text, err := json.Marshal(map[string]any{"log_list_timestamp": date, "operators": operators})
	if err != nil {
		t.Fatal(err)
	}
	list, err := ParseLogList(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// testPKI is a root and what is needed to issue under it.
type testPKI struct {
	root  tls.Certificate
	roots *x509.CertPool
}

func newTestPKI(t testing.TB) testPKI {
	t.Helper()
	root := issue(t, "ecdsa", nil, nil, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	pool := x509.NewCertPool()
	pool.AddCert(root.Leaf)
	return testPKI{root, pool}
}

func (p testPKI) leaf(t testing.TB, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	return issue(t, "ecdsa", &p.root, nil, func(c *x509.Certificate) {
		c.DNSNames = []string{"example.test"}
		if edit != nil {
			edit(c)
		}
	})
}

// leafWithSCTs issues a certificate with embedded SCTs: the logs sign what it
// is without them.
func (p testPKI) leafWithSCTs(t testing.TB, at time.Time, logs ...testLog) tls.Certificate {
	t.Helper()
	var template x509.Certificate
	key := testKey(t, "ecdsa")
	before := issue(t, "", &p.root, key, func(c *x509.Certificate) {
		c.DNSNames = []string{"example.test"}
		template = *c
	})
	var list []byte
	for _, l := range logs {
		list = append(list, vec(2, l.sign(t, p.precert(before.Leaf), at))...)
	}
	value, err := asn1.Marshal(vec(2, list))
	if err != nil {
		t.Fatal(err)
	}
	return issue(t, "", &p.root, key, func(c *x509.Certificate) {
		*c = template
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value}}
	})
}

func (p testPKI) precert(leaf *x509.Certificate) *ct.MerkleTreeLeaf {
	return &ct.MerkleTreeLeaf{TimestampedEntry: &ct.TimestampedEntry{EntryType: ct.PrecertLogEntryType, PrecertEntry: &ct.PreCert{
		IssuerKeyHash: sha256.Sum256(p.root.Leaf.RawSubjectPublicKeyInfo), TBSCertificate: leaf.RawTBSCertificate,
	}}}
}

func finalEntry(leaf *x509.Certificate) *ct.MerkleTreeLeaf {
	return ct.CreateX509MerkleTreeLeaf(ct.ASN1Cert{Data: leaf.Raw}, 0)
}

func p256Key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// target is a server with the certificate and the trust of this PKI.
func (p testPKI) target(t testing.TB, config *tls.Config, logs *LogList) Target {
	t.Helper()
	target := serve(t, config)
	target.Roots, target.Logs = p.roots, logs
	return target
}
