package leaf

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Want is what a chain has to be.
type Want struct {
	Names     []string         // exactly these: DNS names as A-labels, IP addresses in their text form
	PublicKey crypto.PublicKey // of the key the certificate was asked for
	Now       time.Time
}

// clockSlack is how far our clock may be behind the CA's. Let's Encrypt dates
// leaves an hour back, a private CA may not.
const clockSlack = 5 * time.Minute

// Check returns nil when chain, leaf first, is what was wanted, and else
// everything that is wrong with it.
func Check(chain []*x509.Certificate, want Want) error {
	if len(chain) == 0 {
		return errors.New("the chain is empty")
	}
	cert := chain[0]
	return errors.Join(
		checkKey(cert, want.PublicKey),
		checkNames(cert, want.Names),
		checkValidity(cert, want.Now),
		checkUse(cert),
		checkOrder(chain))
}

func checkKey(cert *x509.Certificate, key crypto.PublicKey) error {
	public, ok := key.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(cert.PublicKey) {
		return errors.New("the certificate is for another key")
	}
	return nil
}

func checkNames(cert *x509.Certificate, want []string) error {
	got := Names(cert)
	want = slices.Clone(want)
	slices.Sort(want)
	want = slices.Compact(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the certificate names %s, not %s", list(got), list(want))
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// Names returns the DNS names and IP addresses a certificate is for, sorted.
// The common name has not counted since RFC 6125.
func Names(cert *x509.Certificate) []string {
	var names []string
	for _, n := range cert.DNSNames {
		names = append(names, strings.ToLower(n))
	}
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			names = append(names, addr.Unmap().String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func checkValidity(cert *x509.Certificate, now time.Time) error {
	switch {
	case now.Add(clockSlack).Before(cert.NotBefore):
		return fmt.Errorf("the certificate is not valid before %s", cert.NotBefore.UTC().Format(time.RFC3339))
	case !now.Before(cert.NotAfter):
		return fmt.Errorf("the certificate expired on %s", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

func checkUse(cert *x509.Certificate) error {
	if cert.IsCA {
		return errors.New("the certificate is a CA's own, not a server's")
	}
	if !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return errors.New("the certificate is not for TLS servers (no serverAuth)")
	}
	return nil
}

// checkOrder wants each certificate signed by the one behind it (RFC 5246,
// section 7.4.2; older clients do not sort a chain).
func checkOrder(chain []*x509.Certificate) error {
	for i, cert := range chain[:len(chain)-1] {
		if err := cert.CheckSignatureFrom(chain[i+1]); err != nil {
			return fmt.Errorf("certificate %d of the chain is not signed by the next: %v", i+1, err)
		}
	}
	return nil
}
