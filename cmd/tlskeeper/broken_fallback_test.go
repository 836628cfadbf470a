package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
)

// A fallback that cannot be used is a warning as long as it is not needed, and
// what it has issued once is kept.
func TestFallbackThatCannotBeUsed(t *testing.T) {
	d := newDesk(t, "www.example.test")
	second := acmetest.New(t, acmetest.Options{AlwaysValid: true})
	file := filepath.Join(d.root, "etc", "tlskeeper", "config.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := filepath.Join(t.TempDir(), "roots.pem")
	d.write(file, string(text)+"\n[[fallback]]\ndirectory = \""+second.Directory+"\"\nca_file = \""+roots+"\"\n")
	if _, said := d.types(exitNotDeployed, "issue --agree-tos"); !strings.Contains(said, "fallback") || !strings.Contains(said, roots) {
		t.Errorf("issue: %s", said)
	}
	d.types(exitOK, "apache adopt www.example.test --yes")
	if _, said := d.types(exitOK, "account"); strings.Count(said, "fallback") != 1 {
		t.Errorf("account: %s", said)
	}
	meta := filepath.Join(d.root, "var", "lib", "tlskeeper", "acme", "certs", "www.example.test", "gen", "000001", "meta.json")
	made, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	d.write(meta, strings.Replace(string(made), d.ca.Directory, second.Directory, 1))
	if out, _ := d.types(exitOK, "renew"); !strings.Contains(out, "kept") {
		t.Errorf("renew: %s", out)
	}
	if d.ca.Issued() != 1 || second.Requests() != 0 {
		t.Errorf("%d certificates, %d requests", d.ca.Issued(), second.Requests())
	}
}

func (d *desk) write(file, text string) {
	d.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}
