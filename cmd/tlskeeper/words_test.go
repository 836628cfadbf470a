package main

import (
	"slices"
	"testing"

	"tlskeeper/acme"
	"tlskeeper/acme/challenge"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/logship/accesslog"
	"tlskeeper/templates"
)

// The configuration checks words whose meaning other packages have. Here the
// two are held together.
func TestWordsOfTheConfigurationAreThoseOfThePackages(t *testing.T) {
	for _, ca := range config.Words("ca") {
		if _, ok := acme.Preset(ca); !ok {
			t.Errorf("acme knows no CA %q", ca)
		}
	}
	for _, profile := range config.Words("apache.profile") {
		if _, ok := templates.Lookup(profile); !ok {
			t.Errorf("templates knows no profile %q", profile)
		}
	}
	types := []string{string(acme.P384), string(acme.P256), string(acme.RSA2048), string(acme.RSA4096)}
	if words := config.Words("key_type"); !slices.Equal(words, types) {
		t.Errorf("key types: the configuration has %v, acme has %v", words, types)
	}
	kept := config.Words("client")
	for i, wide := range kept { // from the most to the least
		for _, narrow := range kept[i:] {
			if !accesslog.Clients(narrow).Within(accesslog.Clients(wide)) || narrow != wide && accesslog.Clients(wide).Within(accesslog.Clients(narrow)) {
				t.Errorf("the log does not keep less with %q than with %q", narrow, wide)
			}
		}
	}
	for _, challenge := range []string{challenge.HTTP01, challenge.TLSALPN01, challenge.DNS01} {
		if !slices.Contains(config.Words("challenge"), challenge) {
			t.Errorf("the configuration does not know the challenge %q", challenge)
		}
	}
}
