package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/apacheconf"
	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
)

// heirloom is testdata/written_before at a place of its own, with an Apache
// that is configured as it was.
type heirloom struct {
	*desk
	apache *apachetest.Apache
	conf   apacheconf.Config
}

func newHeirloom(t *testing.T) *heirloom {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // for Apache's workers
		t.Fatal(err)
	}
	from := "testdata/written_before"
	note, err := os.ReadFile(filepath.Join(from, "README"))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(note))
	etc := filepath.Join(root, "etc/tlskeeper/apache")
	old, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Issue(filepath.Join(root, "old"), apachetest.Leaf{Names: []string{"www.example.test", "mail.example.test"}}); err != nil {
		t.Fatal(err)
	}
	include := func(name string) string { return fmt.Sprintf("  Include %q\n", filepath.Join(etc, name+".conf")) }
	a := apachetest.Make(t, apachetest.Options{
		IncludeOptional: []string{filepath.Join(etc, "tlskeeper.conf")},
		VHosts: []apachetest.VHost{{Name: "www.example.test", Aliases: []string{"example.test"}, Body: include("www")},
			{Name: "mail.example.test", Body: include("mail")}},
	})
	moved := strings.NewReplacer(after(words, "below"), root, after(words, "in"), a.Dir, "/usr/sbin/apache2", a.Binary)
	if err := carry(from, root, moved); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &heirloom{&desk{t: t, root: root}, a, apacheconf.Config{
		Binary: a.Binary, ServerRoot: a.Dir, ConfigFile: a.ConfigFile, EtcDir: etc,
		StateDir: filepath.Join(root, "var/lib/tlskeeper/apache"), TLSLog: filepath.Join(root, "var/log/tls.log"),
	}}
}

// after is the last word that stands behind another, without its full stop.
func after(words []string, before string) (found string) {
	for i, w := range words[1:] {
		if words[i] == before && strings.HasPrefix(w, "/") {
			found = strings.TrimRight(w, ".")
		}
	}
	return found
}

// carry copies the files as they would have been written at to, with the modes
// that no version control keeps.
func carry(from, to string, moved *strings.Replacer) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		closed := strings.Contains(target, "/lib/tlskeeper/acme") || strings.Contains(target, "/lib/tlskeeper/apache")
		switch {
		case err != nil:
			return err
		case d.IsDir() && closed:
			return errors.Join(os.MkdirAll(target, 0o700), os.Chmod(target, 0o700))
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type() == fs.ModeSymlink:
			link, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(link, target))
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if closed && filepath.Base(target) != "fullchain.pem" {
			mode = 0o600
		}
		return os.WriteFile(target, elsewhere(path, data, moved), mode)
	})
}

// elsewhere is a file's text with other paths, also in the contents and the
// hashes that records of Apache's files hold.
func elsewhere(path string, data []byte, moved *strings.Replacer) []byte {
	if bytes.HasPrefix(data, []byte("SQLite")) {
		return data
	}
	if !strings.Contains(path, "/lib/tlskeeper/apache/") {
		return []byte(moved.Replace(string(data)))
	}
	var record any
	if json.Unmarshal(data, &record) != nil {
		return data
	}
	out, _ := json.Marshal(moveRecord(path, record, moved))
	return out
}

func moveRecord(path string, value any, moved *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return moved.Replace(v)
	case []any:
		for i := range v {
			v[i] = moveRecord(path, v[i], moved)
		}
	case map[string]any:
		out := map[string]any{}
		for key, inner := range v {
			text, _ := inner.(string)
			switch raw, err := base64.StdEncoding.DecodeString(text); {
			case key == "data" && err == nil:
				inner = base64.StdEncoding.EncodeToString([]byte(moved.Replace(string(raw))))
			case strings.HasPrefix(key, "/") && len(text) == 2*sha256.Size:
				inner = hashOf(filepath.Join("testdata/written_before/etc/tlskeeper/apache", filepath.Base(key)), moved)
			default:
				inner = moveRecord(path, inner, moved)
			}
			out[moved.Replace(key)] = inner
		}
		return out
	}
	return value
}

func hashOf(path string, moved *strings.Replacer) string {
	data, _ := os.ReadFile(path)
	sum := sha256.Sum256([]byte(moved.Replace(string(data))))
	return hex.EncodeToString(sum[:])
}

// says runs a command and looks for words in all that it prints.
func (h *heirloom) says(code int, line string, words ...string) {
	h.t.Helper()
	out, errs := h.types(code, line)
	h.t.Logf("%s\n%s%s", line, out, errs)
	for _, w := range words {
		if !strings.Contains(out+errs, w) {
			h.t.Errorf("%s: no %q in\n%s%s", line, w, out, errs)
		}
	}
}

// An upgrade finds what the version before wrote: every command that reads
// says of it what that one said.
func TestFilesOfTheVersionBefore(t *testing.T) {
	h := newHeirloom(t)
	h.says(exitOK, "config check", "certificates: 3")
	h.says(exitOK, "certs", "rolled back from 2", "2046-11-24 20:02:04", "4           yes", "shop: 2026-11-28 20:27:34: finalizing")
	h.says(exitOK, "certs show mail", "70c0cae112259c07", "secp256r1", "served since  2026-11-28 20:27:32", "2046-11-22 20:27:17 to 2046-11-24")
	h.says(exitOK, "certs show www --json", `"serial": "698e51c7bce89566"`, `"generation": 4`, `"deployed": true`, `"configured": true`)
	h.says(exitOK, "account", "https://ca.invalid/my-account/1716ebc15ba182e7", "mailto:admin@example.test", "accounts/ca.invalid_072d63d5/key.pem")
	h.says(exitFindings, "status", "shop: never issued: finalizing", "at 535 of 535 bytes", "5 stored")
	h.says(exitOK, "apache status", "profile intermediate, hsts off", "gen/000001, until 2056-11-20, served by: mail", "gen/000004, until 2056-11-20, served by: www")
	h.says(exitFindings, "check", "certificate shop: never issued")
	h.says(exitOK, "apache plan", "nothing to change")
	if code, out, errs := runScan(t, "--root", h.root, "query", "SELECT vhost, count(*) AS n FROM log GROUP BY 1", "--format", "csv"); code != exitOK || !strings.Contains(out, "www.example.test,5") {
		t.Errorf("query: exit code %d\n%s%s", code, out, errs)
	}
}

// The way back to what was there before ours is still known.
func TestUndoingWhatTheVersionBeforeDid(t *testing.T) {
	h := newHeirloom(t)
	h.says(exitOK, "apache rollback --yes --allow-restart", "done")
	h.says(exitOK, "apache rollback --yes", "done")
	if text, err := os.ReadFile(h.apache.SitesFile); err != nil || strings.Contains(string(text), "Include") || strings.Count(string(text), "SSLCertificateFile") != 2 {
		t.Errorf("the admin's file: %s, %v", text, err)
	}
}

// A run goes on from there: nothing is issued anew, the order in hand is
// finished with the key that was made for it, and its proof is taken away.
func TestRunAfterTheVersionBefore(t *testing.T) {
	h := newHeirloom(t)
	dir := filepath.Join(h.root, "var/lib/tlskeeper/acme")
	ca, err := acmetest.InMemory(acmetest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ca.Close()
	client, err := acme.New(acme.Config{Dir: dir, AgreeTOS: true, Contact: []string{"admin@example.test"}, Transport: ca.Transport(),
		CAs: []acme.CA{{Name: "ca.invalid", Directory: ca.Directory}}})
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "certs/shop/order/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	account, err := os.ReadFile(filepath.Join(dir, "accounts/ca.invalid_072d63d5/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	way := challenge.Way{Type: challenge.HTTP01, Webroot: filepath.Join(h.root, "www")}
	cfg := renewal.Config{Dir: dir, Client: client, Deploy: renewal.Apache(h.conf), Requests: []acme.Request{
		{Name: "www", Names: []string{"www.example.test", "example.test"}, Challenge: way, Keep: 2},
		{Name: "mail", Names: []string{"mail.example.test"}, KeyType: acme.P256, Challenge: way, Keep: 2},
		{Name: "shop", Names: []string{"shop.example.test"}, Challenge: way, Keep: 2},
	}}
	report, err := renewal.Run(t.Context(), cfg, renewal.Options{DryRun: true})
	if err != nil {
		t.Error(err)
	}
	for i, want := range []string{"renewal on 2046-11-24T20:02:04Z (ari)", "renewal on 2046-11-24T02:29:33Z (ari)", "never issued"} {
		if got := report.Certificates[i].Reason; got != want {
			t.Errorf("would do: %q, want %q", got, want)
		}
	}
	report, err = renewal.Run(t.Context(), cfg, renewal.Options{Attended: true})
	if _, ok := errors.AsType[*renewal.NotDeployedError](err); !ok { // nobody has a virtual host for the shop
		t.Fatal(err)
	}
	for i, want := range []struct {
		generation       int
		issued, deployed bool
	}{{4, false, true}, {1, false, true}, {1, true, false}} {
		if o := report.Certificates[i]; o.Generation != want.generation || o.Issued != want.issued || o.Deployed != want.deployed {
			t.Errorf("%+v, want %+v", o, want)
		}
	}
	if now, err := os.ReadFile(filepath.Join(dir, "certs/shop/gen/000001/key.pem")); err != nil || !bytes.Equal(now, key) {
		t.Errorf("the order in hand was not gone on with: %v", err)
	}
	if now, err := os.ReadFile(filepath.Join(dir, "accounts/ca.invalid_072d63d5/key.pem")); err != nil || !bytes.Equal(now, account) {
		t.Errorf("the account's key was not kept: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(h.root, "www/.well-known/acme-challenge/*")); left != nil {
		t.Errorf("proofs are left: %q", left)
	}
}
