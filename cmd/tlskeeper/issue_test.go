package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/internal/testenv"
)

// desk is a root directory with a configuration, and the program in process.
type desk struct {
	t    *testing.T
	root string
	ca   *acmetest.CA
}

// newDesk sets up a CA and an Apache with one site on an old certificate.
func newDesk(t *testing.T, names ...string) *desk { return newDeskAt(t, 5, names...) }

// newDeskAt chooses what share of good nonces the CA refuses, in percent:
// none for certbot, which ends in an exception of its own on some.
func newDeskAt(t *testing.T, nonceReject int, names ...string) *desk {
	t.Helper()
	testenv.Need(t, "apache2")
	root := t.TempDir()
	etc := filepath.Join(root, "etc", "tlskeeper")
	// Apache's workers, another user, must be able to walk to the webroot.
	if err := errors.Join(os.Chmod(filepath.Dir(root), 0o755), os.MkdirAll(etc, 0o755)); err != nil {
		t.Fatal(err)
	}
	old, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := old.Issue(filepath.Join(root, "old"), apachetest.Leaf{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	a := apachetest.Start(t, apachetest.Options{
		IncludeOptional: []string{filepath.Join(etc, "apache", "tlskeeper.conf")},
		VHosts: []apachetest.VHost{{Name: names[0], Plain: true},
			{Name: names[0], Aliases: names[1:], CertFile: pair.CertFile, KeyFile: pair.KeyFile}},
	})
	ca := acmetest.New(t, acmetest.Options{HTTPPort: a.HTTPPort, NonceReject: nonceReject})
	text := fmt.Sprintf("[acme]\ndirectory = %q\nca_file = %q\nwebroot = %q\n\n[[certificate]]\nnames = [\"%s\"]\n\n"+
		"[apache]\nbinary = %q\nserver_root = %q\nconfig_file = %q\ntls_log = %q\n", ca.Directory, ca.RootFile, a.DocRoot,
		strings.Join(names, `", "`), a.Binary, a.Dir, a.ConfigFile, filepath.Join(a.Dir, "logs", "tls.log"))
	if err := os.WriteFile(filepath.Join(etc, "config.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return &desk{t, root, ca}
}

// types runs one command line and expects its exit code.
func (d *desk) types(code int, line string) (stdout, stderr string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	args := append([]string{"tlskeeper", "--root", d.root}, strings.Fields(line)...)
	if got := a.run(ctx, args); got != code {
		d.t.Fatalf("%s: exit code %d, want %d\n%s%s", line, got, code, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func TestFirstCertificateOfAHost(t *testing.T) {
	d := newDesk(t, "www.example.test", "example.test")
	if _, said := d.types(exitUsage, "issue"); !strings.Contains(said, "--agree-tos") {
		t.Errorf("terms not accepted: %s", said)
	}
	if _, said := d.types(exitNotDeployed, "issue --agree-tos"); !strings.Contains(said, "hint: tlskeeper apache adopt www.example.test") {
		t.Errorf("not adopted: %s", said)
	}
	d.types(exitOK, "apache adopt www.example.test --yes")
	if out, _ := d.types(exitOK, "renew"); !strings.Contains(out, "kept") || !strings.Contains(out, ", served") {
		t.Errorf("renew: %s", out)
	}
	out, _ := d.types(exitOK, "renew --force --json")
	var report struct {
		Certificates []struct{ Issued, Deployed bool }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.Certificates[0].Issued || !report.Certificates[0].Deployed {
		t.Errorf("renew --force: %s (%v)", out, err)
	}
	if out, _ := d.types(exitOK, "certs show www.example.test"); !strings.Contains(out, "secp384r1") || !strings.Contains(out, "ari window") {
		t.Errorf("certs show: %s", out)
	}
	d.types(exitOK, "certs rollback www.example.test --yes")
	if out, _ := d.types(exitOK, "certs"); !strings.Contains(out, "rolled back") {
		t.Errorf("certs: %s", out)
	}
	d.types(exitRefused, "revoke www.example.test")
	d.types(exitOK, "revoke www.example.test --reason superseded --yes")
	d.types(exitOK, "status") // what was revoked is not what is served
	d.types(exitOK, "renew --force")
	d.types(exitUsage, "revoke www.example.test --generation 9 --yes")
	if out, said := d.types(exitOK, "revoke www.example.test --generation 1 --yes"); !strings.Contains(out, "generation 1 (serial") || strings.Contains(said, "hint") {
		t.Errorf("revoke: %s%s", out, said)
	}
	d.types(exitOK, "revoke www.example.test --reason superseded --yes")
	if out, _ := d.types(exitFindings, "status"); !strings.Contains(out, "generation 3 is revoked") {
		t.Errorf("status of a revoked certificate: %s", out)
	}
	if out, _ := d.types(exitOK, "renew"); !strings.Contains(out, "generation 4 issued (revoked)") {
		t.Errorf("renew after a revocation: %s", out)
	}
	if got := d.ca.Issued(); got != 4 {
		t.Errorf("%d certificates", got)
	}
}
