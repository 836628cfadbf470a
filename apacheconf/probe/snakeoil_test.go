package probe

import (
	"crypto/x509"
	"testing"
)

func TestLeafAmongTheHostsOwnRoots(t *testing.T) {
	leaf, root := &x509.Certificate{}, &x509.Certificate{}
	alone := [][]*x509.Certificate{{leaf}}
	if notOnlyHere(alone, false) == nil {
		t.Error("a certificate that only this host trusts passed for trusted")
	}
	if err := notOnlyHere(alone, true); err != nil {
		t.Errorf("--ca named it: %v", err)
	}
	if err := notOnlyHere([][]*x509.Certificate{{leaf}, {leaf, root}}, false); err != nil {
		t.Errorf("a CA vouches for it: %v", err)
	}
}
