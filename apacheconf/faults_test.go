package apacheconf

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tlskeeper/apacheconf/apachetest"
)

// fault passes `httpd -t`, lets the reload return 0, and kills the whole
// server. Exactly one of server, host and pair says where it stands.
type fault struct {
	name   string
	server string // line of the server configuration
	host   string // line of a virtual host
	cert   string // file in place of a good one
	key    string
	named  string // directive that must be named; "" for that of the line
	plain  bool   // only where the running Apache has no stapling cache
	from   string // OpenSSL that knows it, so that it is no fault: "3.5.0"
}

// faults are those that were measured on Apache 2.4.71 with OpenSSL 3.0.
func (r *rig) faults() []fault {
	good := r.issue("good", apachetest.Leaf{Names: []string{"a.test"}})
	short := r.write("short", "short")
	return []fault{
		{name: "empty protocol set in the virtual host", host: "SSLProtocol -SSLv3 -TLSv1.2"},
		{name: "empty protocol set in the server", server: "SSLProtocol -all"},
		{name: "no cipher of the list exists", server: "SSLCipherSuite NOSUCH"},
		{name: "TLS 1.3 names in the old list", server: "SSLCipherSuite TLS_AES_128_GCM_SHA256"},
		{name: "no TLS 1.3 suite of the list exists", server: "SSLCipherSuite TLSv1.3 NOSUCH"},
		{name: "unknown group", server: "SSLOpenSSLConfCmd Curves nosuch"},
		{name: "post-quantum group on an old library", server: "SSLOpenSSLConfCmd Curves X25519MLKEM768:X25519", from: "3.5.0"},
		{name: "optional group on an old library", server: "SSLOpenSSLConfCmd Groups ?nosuch:X25519", from: "3.3.0"},
		{name: "options typo", server: "SSLOpenSSLConfCmd Options NoSuchOption"},
		{name: "signature algorithms typo", server: "SSLOpenSSLConfCmd SignatureAlgorithms nosuch"},
		{name: "DH parameters from a wrong file", host: "SSLOpenSSLConfCmd DHParameters " + good.CertFile},
		{name: "stapling without cache", host: "SSLUseStapling on", plain: true},
		{name: "key of another certificate", cert: good.CertFile, key: r.oldA.KeyFile},
		{name: "chain in the wrong order", cert: r.write("reversed.pem", reversed(read(good.CertFile))), key: good.KeyFile},
		{name: "second certificate without key", host: "SSLCertificateFile " + r.issue("second", apachetest.Leaf{Names: []string{"a.test"}, KeyType: "rsa2048"}).CertFile},
		{name: "truncated certificate", cert: r.write("truncated.pem", read(good.CertFile)[:400]), key: good.KeyFile},
		r.weakKey(),
		{name: "no certificate in a host with TLS", cert: "-"},
		{name: "SSLEngine in the server reaches a plain host", server: "SSLEngine on"},
		{name: "ticket key too short", host: "SSLSessionTicketKeyFile " + short},
		{name: "client CA file without a CA", host: "SSLCACertificateFile " + short},
		{name: "Listen on an address of another host", server: "Listen 192.0.2.1:8443"},
		{name: "session cache set to none", server: "SSLSessionCache none"},
		{name: "session cache removed", server: removeLine + sessionCacheLine},
		{name: "stapling cache removed", server: removeLine + staplingCacheLine},
	}
}

// removeLine before a server line means that the line is taken away.
const (
	removeLine        = "-"
	sessionCacheLine  = "SSLSessionCache shmcb:ssl-cache(512000)"
	staplingCacheLine = "SSLStaplingCache shmcb:stapling-cache(32768)"
)

func (f fault) directive() string {
	switch {
	case f.named != "":
		return f.named
	case f.cert == "-":
		return "SSLEngine"
	case f.cert != "":
		return "SSLCertificate" // the certificate's line or its key's
	}
	return strings.Fields(strings.TrimPrefix(f.server+f.host, removeLine))[0]
}

func (r *rig) weakKey() fault {
	r.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: []string{"a.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return fault{name: "RSA key of 1024 bits",
		cert: r.write("weak.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		key:  r.write("weak.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))}
}

// write makes a file beside the rig's directories.
func (r *rig) write(name, text string) string {
	path := filepath.Join(r.dir, name)
	must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

func read(path string) string {
	text, err := os.ReadFile(path)
	must(err)
	return string(text)
}

func reversed(chain string) string {
	end := strings.Index(chain, "-----END CERTIFICATE-----\n") + len("-----END CERTIFICATE-----\n")
	return chain[end:] + chain[:end]
}

// sitesWith puts a fault into the admin's files: text is that of a.test's host,
// with its own certificate lines.
func (r *rig) sitesWith(f fault, good string) string {
	host := "  SSLEngine on\n"
	switch {
	case f.cert == "-":
		start := strings.Index(good, "  SSLCertificateFile")
		end := strings.Index(good, "</VirtualHost>")
		return good[:start] + good[end:]
	case f.cert != "":
		return strings.NewReplacer(r.oldA.CertFile, f.cert, r.oldA.KeyFile, f.key).Replace(good)
	case f.host != "":
		return strings.Replace(good, host, host+"  "+f.host+"\n", 1)
	case strings.HasPrefix(f.server, removeLine):
		return strings.Replace(good, strings.TrimPrefix(f.server, removeLine)+"\n", "", 1)
	}
	return good + f.server + "\n"
}
