package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/internal/testenv"
)

// A dry run proves that renewals will work, with the real CA and the real
// webroot, and leaves nothing.
func TestRehearsalOfAHost(t *testing.T) {
	testenv.Need(t, "apache2")
	d := newDesk(t, "www.example.test", "example.test")
	out, _ := d.types(exitOK, "issue --agree-tos --dry-run")
	if !strings.Contains(out, "www.example.test: would issue: never issued; the rehearsal succeeded") {
		t.Errorf("issue: %s", out)
	}
	if _, err := os.Stat(filepath.Join(d.root, "var")); err == nil || d.ca.Issued() != 1 {
		t.Errorf("%d certificates, %v", d.ca.Issued(), err)
	}
	d.types(exitNotDeployed, "issue --agree-tos")
	if out, _ = d.types(exitOK, "renew --dry-run"); !strings.Contains(out, "would be kept: renewal on ") || !strings.Contains(out, "the rehearsal succeeded") {
		t.Errorf("renew: %s", out)
	}
	if got := d.ca.Accounts(); got != 2 {
		t.Errorf("%d accounts: one of the first rehearsal, one of ours for all the rest", got)
	}
	if out, _ = d.types(exitOK, "account"); !strings.Contains(out, d.ca.Directory[:len("https://127.0.0.1")]) {
		t.Errorf("account: %s", out)
	}
	d.types(exitRefused, "account deactivate")
	d.types(exitOK, "account deactivate --yes")
	if out, _ = d.types(exitNotDeployed, "issue --agree-tos --force --json"); !strings.Contains(out, `"issued": true`) || d.ca.Accounts() != 3 {
		t.Errorf("after the account's end: %d accounts, %s", d.ca.Accounts(), out)
	}
}

// A CSR of the user's whose key is on this host is issued, served and renewed,
// a name of it is proven in a way of its own, and it falls to the second CA.
func TestOwnCSROnAHost(t *testing.T) {
	testenv.Need(t, "apache2")
	d := newDesk(t, "www.example.test")
	csr, key := acmetest.WriteCSR(t, "", "www.example.test", "static.example.test")
	file := filepath.Join(d.root, "etc", "tlskeeper", "config.toml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	webroot := text[strings.Index(text, "webroot = "):]
	webroot, _, _ = strings.Cut(webroot, "\n")
	own := "csr = \"" + csr + "\"\ncsr_key = \"" + key + "\"\nname = \"www.example.test\"\nwebroot = \"" + filepath.Join(d.root, "nowhere") + "\"\n"
	text = strings.Replace(text, "names = [\"www.example.test\"]\n", own, 1) +
		"\n[[challenge]]\nnames = [\"www.example.test\", \"STATIC.example.test\"]\n" + webroot + "\n"
	ours := text[strings.Index(text, "directory = "):]
	ours, _, _ = strings.Cut(ours, "webroot")
	text = strings.Replace(text, ours, "directory = \"https://127.0.0.1:1/dir\"\nfailover_after = 1\n", 1) + "[[fallback]]\n" + ours
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	d.types(exitFailed, "issue --agree-tos")
	d.types(exitNotDeployed, "issue --agree-tos")
	d.types(exitOK, "apache adopt www.example.test --yes")
	out, _ := d.types(exitOK, "certs --json")
	var list struct {
		Certificates []struct {
			Names    []string
			Deployed bool
			Dir      string
			ARIStart string `json:"ari_start"`
			SCTs     []any
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Certificates) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	c := list.Certificates[0]
	if len(c.Names) != 2 || !c.Deployed || c.ARIStart == "" || c.SCTs == nil {
		t.Errorf("%+v", c)
	}
	kept, _ := os.ReadFile(filepath.Join(c.Dir, "key.pem"))
	given, _ := os.ReadFile(key)
	if string(kept) != string(given) {
		t.Error("the key is not the user's")
	}
	if out, _ := d.types(exitOK, "certs"); !strings.Contains(out, "ARI WINDOW") {
		t.Errorf("certs: %s", out)
	}
}
