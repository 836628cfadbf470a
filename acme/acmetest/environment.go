package acmetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strconv"
	"time"
)

// switches sets the environment variables that Pebble reads when it is made,
// and returns what puts the former values back.
func switches(o Options) (restore func()) {
	values := map[string]string{
		"PEBBLE_WFE_NONCEREJECT": strconv.Itoa(o.NonceReject),
		"PEBBLE_AUTHZREUSE":      strconv.Itoa(o.AuthzReuse),
		"PEBBLE_VA_NOSLEEP":      digit(o.SleepSeconds == 0),
		"PEBBLE_VA_SLEEPTIME":    strconv.Itoa(o.SleepSeconds),
		"PEBBLE_VA_ALWAYS_VALID": digit(o.AlwaysValid),
	}
	former := map[string]string{}
	for name, value := range values {
		if old, ok := os.LookupEnv(name); ok {
			former[name] = old
		}
		os.Setenv(name, value)
	}
	return func() {
		for name := range values {
			if old, ok := former[name]; ok {
				os.Setenv(name, old)
			} else {
				os.Unsetenv(name)
			}
		}
	}
}

func digit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// serverCertificate makes what the CA's own HTTPS shows: self-signed, for
// loopback, so that the certificate is its root too.
func serverCertificate() (*tls.Config, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "acmetest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, root, nil
}
