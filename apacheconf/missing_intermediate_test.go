package apacheconf

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// The old directive for intermediates counts, when it names the right ones.
func TestIntermediateInAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	var nobody *apachetest.Signer
	root := sign(t, nobody, "root", true)
	middle := sign(t, root, "middle", true)
	leaf := sign(t, middle, "leaf", false)
	for word, holds := range map[string]*apachetest.Signer{"": middle, "CN=root": root} {
		r := makeRig(t, "")
		file := func(name, kind string, der []byte) string {
			path := filepath.Join(r.dir, name)
			must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
			return path
		}
		key, err := x509.MarshalECPrivateKey(leaf.Key)
		must(err)
		r.writeSites(fmt.Sprintf("<VirtualHost %s>\nServerName a.test\nSSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\nSSLCertificateChainFile %s\n</VirtualHost>\n",
			r.a.Addr(), file("leaf.pem", "CERTIFICATE", leaf.Cert.Raw), file("key.pem", "EC PRIVATE KEY", key), file("chain.pem", "CERTIFICATE", holds.Cert.Raw)))
		_, p := r.plan(Change{Profile: "intermediate"})
		found := slices.DeleteFunc(p.Warnings, func(f Finding) bool { return f.Code != "no-intermediate" })
		if word == "" && len(found) > 0 || word != "" && (len(found) != 1 || !strings.Contains(found[0].What, word)) {
			t.Errorf("chain file with %s: %v", holds.Cert.Subject, found)
		}
	}
}

func sign(t *testing.T, by *apachetest.Signer, name string, isCA bool) *apachetest.Signer {
	t.Helper()
	s, err := by.Sign(name, isCA)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
