package probe

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"testing"
	"time"
)

func TestLeafOfEachFamily(t *testing.T) {
	ec, rs := testCert(t, "ecdsa", "example.test"), testCert(t, "rsa", "example.test")
	both := &tls.Config{Certificates: []tls.Certificate{ec, rs}}
	only13 := both.Clone()
	only13.MinVersion = tls.VersionTLS13
	only12 := both.Clone()
	only12.MaxVersion = tls.VersionTLS12
	configs := map[string]*tls.Config{"1.2 and 1.3": both, "only 1.3": only13, "only 1.2": only12}
	for _, curve := range []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521} {
		config := only13.Clone()
		config.CurvePreferences = []tls.CurveID{curve}
		configs["only "+curve.String()] = config
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			target := serve(t, config)
			for family, want := range map[string]tls.Certificate{"ecdsa": ec, "rsa": rs, "": ec} {
				leaf, state, err := Leaf(t.Context(), target, family)
				if err != nil {
					t.Fatalf("Leaf %q: %v", family, err)
				}
				if !leaf.Equal(want.Leaf) {
					t.Errorf("Leaf %q is %s of serial %v", family, familyOf(leaf), leaf.SerialNumber)
				}
				if state.Version < tls.VersionTLS12 || state.CipherSuite == 0 {
					t.Errorf("Leaf %q: state has version %x, suite %x", family, state.Version, state.CipherSuite)
				}
			}
		})
	}
}

func TestLeafFamilyAbsent(t *testing.T) {
	for _, min := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		target := serve(t, &tls.Config{Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}, MinVersion: min})
		_, _, err := Leaf(t.Context(), target, "rsa")
		var family *FamilyError
		if !errors.As(err, &family) || family.Family != "rsa" {
			t.Errorf("min %x: error is %v, want a *FamilyError for rsa", min, err)
		}
	}
}

func TestLeafOfServerThatDemandsClientCertificate(t *testing.T) {
	for _, max := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cert := testCert(t, "ecdsa", "example.test")
		target := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: max, ClientAuth: tls.RequireAnyClientCert})
		for _, family := range []string{"", "ecdsa"} {
			leaf, _, err := Leaf(t.Context(), target, family)
			if err != nil || !leaf.Equal(cert.Leaf) {
				t.Errorf("max %x, family %q: %v", max, family, err)
			}
		}
	}
}

func TestLeafWithoutSNIShowsTheDefault(t *testing.T) {
	first, named := testCert(t, "ecdsa", "first.test"), testCert(t, "ecdsa", "named.test")
	target := serve(t, &tls.Config{Certificates: []tls.Certificate{first, named}})
	for sni, want := range map[string]tls.Certificate{"": first, "named.test": named} {
		target.SNI = sni
		leaf, _, err := Leaf(t.Context(), target, "ecdsa")
		if err != nil || !leaf.Equal(want.Leaf) {
			t.Errorf("SNI %q: leaf %v, error %v", sni, leaf, err)
		}
	}
}

func TestLeafOfSilentServerEndsAtDeadline(t *testing.T) {
	target := listen(t, silent)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := Leaf(ctx, target, "ecdsa")
	var family *FamilyError
	if err == nil || errors.As(err, &family) {
		t.Errorf("error is %v, want a time-out", err)
	}
}

func TestLeafRefusesUnknownFamily(t *testing.T) {
	if _, _, err := Leaf(t.Context(), Target{Addr: "127.0.0.1:1"}, "dsa"); err == nil {
		t.Error("no error for family dsa")
	}
}

// A certificate is public; serving it proves nothing without its key.
func TestLeafWithoutItsKeyIsRefused(t *testing.T) {
	for _, kind := range []string{"ecdsa", "rsa"} {
		stolen := testCert(t, kind, "example.test")
		if kind == "rsa" {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			stolen.PrivateKey = key
		} else {
			stolen.PrivateKey = testKey(t, kind)
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			target := serve(t, &tls.Config{Certificates: []tls.Certificate{stolen}, MinVersion: version, MaxVersion: version})
			if leaf, _, err := Leaf(t.Context(), target, kind); err == nil {
				t.Errorf("%s with version %x: no error, leaf %v", kind, version, leaf.Subject)
			}
		}
	}
}
