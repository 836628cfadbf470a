package check

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
)

// chainFaults says whether the certificates that stand beside a leaf are those
// of its chain. known are roots that clients have: what one of them signed needs
// no intermediate. Nil is the system's.
func chainFaults(leaf *x509.Certificate, others []*x509.Certificate, known *x509.CertPool) []conf.Finding {
	if bytes.Equal(leaf.RawIssuer, leaf.RawSubject) {
		return nil // signed by itself: there is no chain
	}
	if !slices.ContainsFunc(others, func(c *x509.Certificate) bool { return signed(leaf, c) }) {
		if underRoot(leaf, known) {
			return nil
		}
		what := "the file holds the leaf alone"
		if len(others) > 0 {
			what = "the file holds " + subjects(others) + " beside the leaf, and none of it signed the leaf"
		}
		return []conf.Finding{{Code: "no-intermediate", What: fmt.Sprintf("%s; clients need its intermediate (%s) too", what, leaf.Issuer)}}
	}
	all := append([]*x509.Certificate{leaf}, others...)
	foreign := slices.DeleteFunc(slices.Clone(others), func(c *x509.Certificate) bool {
		return bytes.Equal(c.Raw, leaf.Raw) || slices.ContainsFunc(all, func(child *x509.Certificate) bool { return signed(child, c) && !bytes.Equal(child.Raw, c.Raw) })
	})
	if len(foreign) > 0 {
		return []conf.Finding{{Code: "foreign-chain", What: "the file holds " + subjects(foreign) + ", which signed nothing of this chain"}}
	}
	return nil
}

// signed: the key of parent signed child. A SHA-1 signature is beyond Go; there
// the names are believed.
func signed(child, parent *x509.Certificate) bool {
	if !bytes.Equal(child.RawIssuer, parent.RawSubject) {
		return false
	}
	err := child.CheckSignatureFrom(parent)
	_, old := errors.AsType[x509.InsecureAlgorithmError](err)
	return err == nil || old
}

// underRoot: a root signed the leaf itself. Of an expired leaf that was so, too.
func underRoot(leaf *x509.Certificate, known *x509.CertPool) bool {
	_, err := leaf.Verify(x509.VerifyOptions{Roots: known, CurrentTime: leaf.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

func subjects(certs []*x509.Certificate) string {
	var out []string
	for _, c := range certs {
		out = append(out, "("+c.Subject.String()+")")
	}
	return strings.Join(out, ", ")
}
