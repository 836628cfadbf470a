package acme

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/internal/dnsname"
)

func TestOwnCSRIsIssuedAndRenewed(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	c := h.client(t)
	r := Request{Name: "own", Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
	var key string
	r.CSRFile, key = acmetest.WriteCSR(t, "", "b.example.org", "a.example.org")
	g, err := c.Issue(testContext(t), r, IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if g.KeyFile() != "" || g.Meta.KeyType != "secp256r1" {
		t.Errorf("key file %q, key type %s", g.KeyFile(), g.Meta.KeyType)
	}
	r.KeyFile = key
	if g, err = c.Issue(testContext(t), r, IssueOptions{Force: true}); err != nil || g.KeyFile() == "" || g.Number != 2 {
		t.Errorf("renewed with its key: generation %d, %v", g.Number, err)
	}
	_, r.KeyFile = acmetest.WriteCSR(t, "", "b.example.org")
	if _, err = c.Issue(testContext(t), r, IssueOptions{Force: true}); err == nil {
		t.Error("another CSR's key was taken")
	}
}

func TestOwnCSRWithoutItsNames(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	for name, csr := range map[string]string{
		"no name at all":      first2(acmetest.WriteCSR(t, "")),
		"common name not SAN": first2(acmetest.WriteCSR(t, "c.example.org", "b.example.org")),
		"common name only":    first2(acmetest.WriteCSR(t, "c.example.org")),
		"no CSR":              filepath.Join(t.TempDir(), "missing.csr"),
	} {
		r := Request{Name: "own", CSRFile: csr, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
		if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got := h.ca.Requests(); got != 0 {
		t.Errorf("the CA got %d requests", got)
	}
}

func first2(a, _ string) string { return a }

func TestWildcardThroughAProgram(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	set := filepath.Join(t.TempDir(), "set")
	// The program records what it is called with; the CA believes everything
	// here, because two wildcard names would share one TXT record of our DNS.
	trusting := newHost(t, acmetest.Options{AlwaysValid: true})
	program := filepath.Join(t.TempDir(), "dns")
	script := "#!/bin/sh\necho \"$@\" >>" + set + "\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	r := Request{Name: "wild", Names: []string{"*.example.org", "www.example.net"},
		Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: trusting.webroot},
		PerName:   map[string]challenge.Way{"*.Example.org": {Type: challenge.DNS01, Provider: "exec", Exec: program}}}
	if _, err := trusting.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(set)
	if err != nil || len(said) == 0 {
		t.Fatal(err)
	}
	r.PerName = nil
	var bad *dnsname.Error
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); !errors.As(err, &bad) || bad.Name != "*.example.org" {
		t.Errorf("a wildcard by http-01: %v", err)
	}
}

func TestPreferredChain(t *testing.T) {
	h := newHost(t, acmetest.Options{AlternateRoots: 2, ChainLength: 2, AlwaysValid: true})
	want := h.ca.IssuingRoots()[2].Subject.CommonName
	r := h.request()
	r.PreferredChain = want
	g, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Chain[len(g.Chain)-1].Issuer.CommonName; got != want || len(g.Chain) != 3 {
		t.Errorf("chain of %d under %q, want %q", len(g.Chain), got, want)
	}
	r.PreferredChain = "a root that is not there"
	if g, err = h.client(t).Issue(testContext(t), r, IssueOptions{Force: true}); err != nil || len(g.Chain) != 3 {
		t.Errorf("without the preferred one: %v", err)
	}
}
