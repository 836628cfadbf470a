package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/testenv"
)

// The whole way in: certbot's certificate is taken over, renewed by ours with
// the DocumentRoot of Apache, and served.
func TestFromCertbotToOurs(t *testing.T) {
	testenv.Need(t, "apache2", "certbot")
	d := newDeskAt(t, 0, "www.example.test")
	file := filepath.Join(d.root, "etc", "tlskeeper", "config.toml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(data), "[[certificate]]")
	_, apache, _ := strings.Cut(rest, "[apache]")
	_, webroot, _ := strings.Cut(head, "webroot = \"")
	webroot, _, _ = strings.Cut(webroot, "\"")
	head, _, _ = strings.Cut(head, "webroot")
	if err := os.WriteFile(file, []byte(head+"\n[apache]"+apache), 0o644); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(d.root, "letsencrypt")
	cmd := exec.CommandContext(t.Context(), "certbot", "certonly", "--webroot", "-w", webroot, "-d", "www.example.test", "--agree-tos",
		"--register-unsafely-without-email", "--non-interactive", "--config-dir", old, "--work-dir", old, "--logs-dir", old, "--server", d.ca.Directory)
	cmd.Env = append(os.Environ(), "REQUESTS_CA_BUNDLE="+d.ca.RootFile)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	conf := filepath.Join(old, "renewal", "www.example.test.conf")
	data, err = os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(strings.Replace(string(data), "authenticator = webroot", "authenticator = apache", 1), "webroot_path")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}

	out, said := d.types(exitOK, "import-certbot --yes --dir "+old)
	if !strings.Contains(out, "+webroot = \""+webroot+"\"") || !strings.Contains(said, "tlskeeper apache adopt www.example.test") {
		t.Errorf("%s\n%s", out, said)
	}
	d.types(exitOK, "apache adopt www.example.test --yes")
	if out, _ = d.types(exitOK, "renew"); !strings.Contains(out, "kept") || !strings.Contains(out, ", served") {
		t.Errorf("renew: %s", out)
	}
	if out, _ = d.types(exitOK, "renew --force"); !strings.Contains(out, "generation 2 issued (forced)") || !strings.Contains(out, "served") {
		t.Errorf("renew --force: %s", out)
	}
	if d.ca.Accounts() != 1 || d.ca.Issued() != 2 {
		t.Errorf("%d accounts, %d certificates", d.ca.Accounts(), d.ca.Issued())
	}
}
