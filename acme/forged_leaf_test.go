package acme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
)

// forgery is what a CA gone wrong returns.
type forgery struct {
	says  string // words of the refusal; "" where it is right
	leaf  func(*x509.Certificate)
	key   bool // for another key
	chain func([][]byte) [][]byte
}

func forgeries() map[string]forgery {
	return map[string]forgery{
		"right":                {},
		"another key":          {says: "another key", key: true},
		"a name too few":       {says: "names", leaf: func(c *x509.Certificate) { c.DNSNames = c.DNSNames[:1] }},
		"a name more":          {says: "names", leaf: func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "evil.example") }},
		"an address more":      {says: "names", leaf: func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} }},
		"expired":              {says: "expired", leaf: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
		"of tomorrow":          {says: "not valid before", leaf: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(day) }},
		"no serverAuth":        {says: "serverAuth", leaf: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }},
		"a CA's certificate":   {says: "CA", leaf: func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }},
		"issuer first":         {says: "not ordered", chain: func(chain [][]byte) [][]byte { slices.Reverse(chain); return chain }},
		"another issuer":       {says: "not signed by the next", chain: func(chain [][]byte) [][]byte { return [][]byte{chain[0], chain[0]} }},
		"only the issuer":      {says: "not ordered", chain: func(chain [][]byte) [][]byte { return chain[1:] }},
		"empty":                {says: "no certificate", chain: func([][]byte) [][]byte { return nil }},
		"garbage in the chain": {says: "reading", chain: func(chain [][]byte) [][]byte { return [][]byte{chain[0], []byte("garbage")} }},
	}
}

func (f forgery) forger() *acmetest.Forger {
	return &acmetest.Forger{Chain: f.chain, Leaf: func(c *x509.Certificate, key *crypto.PublicKey) {
		if f.leaf != nil {
			f.leaf(c)
		}
		if other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader); f.key && err == nil {
			*key = other.Public()
		}
	}}
}

// TestForgedLeaf: nothing wrong is kept, made live or deployed, it is said
// what is wrong, and a CA that has come to its senses is asked again.
func TestForgedLeaf(t *testing.T) {
	for name, f := range forgeries() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				forger := f.forger()
				h := inMemory(t, acmetest.Options{Intercept: forger.Intercept})
				c := h.client(t)
				g, err := c.Issue(t.Context(), h.request(), IssueOptions{})
				if f.says == "" {
					if err != nil || g.Number != 1 {
						t.Errorf("the right one is refused: %v", err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), f.says) {
					t.Fatalf("got %v, want words %q", err, f.says)
				}
				checkNothingKept(t, h, c)
				if wrong := (*LeafError)(nil); !errors.As(err, &wrong) {
					return // nothing to read: the order stays in hand, see TestConnectionBreaksForAWholeRun
				}
				time.Sleep(10 * time.Minute)
				forger.Leaf, forger.Chain = nil, nil
				if g, err := c.Issue(t.Context(), h.request(), IssueOptions{}); err != nil || g.Number != 1 {
					t.Errorf("after the CA was repaired: %v", err)
				}
			})
		})
	}
}

func checkNothingKept(t *testing.T, h host, c *Client) {
	t.Helper()
	cert, err := c.store.Certificate("www")
	if err != nil || cert.Latest.Number != 0 || cert.State.Failures != 1 || cert.State.LastError == "" {
		t.Errorf("kept: %+v, %v", cert, err)
	}
	for _, pattern := range []string{"live/*", "certs/*/gen/*"} {
		if found, _ := filepath.Glob(filepath.Join(h.dir, pattern)); found != nil {
			t.Errorf("left: %q", found)
		}
	}
}
