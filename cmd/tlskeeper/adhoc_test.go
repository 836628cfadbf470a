package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// A certificate that is not in the configuration is renewed by nobody: every
// answer about it says so, and it can be removed.
func TestCertificateOutsideTheConfiguration(t *testing.T) {
	d := newDesk(t, "www.example.test", "example.test")
	d.types(exitNotDeployed, "issue --agree-tos")
	docs := d.config().ACME.Webroot
	_, said := d.types(exitNotDeployed, "issue -d example.test --key-type secp256r1 --agree-tos -w "+docs)
	_, block, _ := strings.Cut(said, "\n\n")
	block, _, _ = strings.Cut(block, "\n\n")
	want := "[[certificate]]\nname = \"example.test\"\nnames = [\"example.test\"]\nkey_type = \"secp256r1\"\nwebroot = \"" + docs + "\""
	if block != want {
		t.Errorf("the block to add is\n%s\nwant\n%s\nin\n%s", block, want, said)
	}
	if strings.Contains(said, "certificate www.example.test") {
		t.Errorf("it is about another certificate: %s", said)
	}
	if out, _ := d.types(exitOK, "certs"); strings.Count(out, "not in the configuration") != 1 {
		t.Errorf("certs: %s", out)
	}
	if out, _ := d.types(exitFindings, "status"); !strings.Contains(out, "warn  certificate example.test: not in the configuration") {
		t.Errorf("status: %s", out)
	}
	if _, said := d.types(exitOK, "revoke example.test --yes"); !strings.Contains(said, "tlskeeper issue --cert-name example.test -d example.test -w DIR") {
		t.Errorf("revoke: %s", said)
	}
	d.types(exitRefused, "certs delete www.example.test --yes") // configured
	d.types(exitRefused, "certs delete example.test")           // not confirmed
	d.types(exitOK, "certs delete example.test --yes")
	if out, _ := d.types(exitOK, "certs"); strings.Contains(out, "not in the configuration") {
		t.Errorf("certs after delete: %s", out)
	}
	if out, _ := d.types(exitOK, "apache status"); strings.Contains(out, "drift") {
		t.Errorf("apache status after delete: %s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(d.root, "var/lib/tlskeeper/acme/*/*example.test*")); len(left) != 2 {
		t.Errorf("left behind: %q", left)
	}
}

// What Apache serves stays, configured or not.
func TestServedCertificateIsNotDeleted(t *testing.T) {
	d := newDesk(t, "www.example.test")
	d.types(exitNotDeployed, "issue --agree-tos")
	d.types(exitOK, "apache adopt www.example.test --yes")
	file := filepath.Join(d.root, "etc/tlskeeper/config.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(string(text), "[[certificate]]\nnames = [\"www.example.test\"]\n", "", 1)
	if err := os.WriteFile(file, []byte(without), 0o644); err != nil || without == string(text) {
		t.Fatal(err, without)
	}
	if _, said := d.types(exitRefused, "certs delete www.example.test --yes"); !strings.Contains(said, "uses the certificate") {
		t.Errorf("delete: %s", said)
	}
}

// A proof that fails is the failure of what was asked for, whatever another
// certificate waits for, and leaves no record.
func TestFailureOfWhatWasAskedComesFirst(t *testing.T) {
	d := newDesk(t, "www.example.test", "example.test")
	d.types(exitNotDeployed, "issue --agree-tos")
	out, said := d.types(exitFailed, "issue -d example.test --agree-tos --quiet -w "+t.TempDir())
	if out != "" || strings.Contains(said, "www.example.test") || strings.Contains(said, "add to") {
		t.Errorf("issue: %s%s", out, said)
	}
	if out, _ := d.types(exitFindings, "status"); strings.Contains(out, "certificate example.test") {
		t.Errorf("status: %s", out)
	}
}

func (d *desk) config() *config.Config {
	d.t.Helper()
	cfg, err := config.Load("", d.root)
	if err != nil {
		d.t.Fatal(err)
	}
	return cfg
}
