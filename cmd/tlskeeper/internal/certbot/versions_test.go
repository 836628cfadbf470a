package certbot

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/leaf"
)

// fixture is a directory as certbot leaves it.
type fixture struct {
	t   *testing.T
	dir string
}

func newFixture(t *testing.T) *fixture { return &fixture{t, filepath.Join(t.TempDir(), "letsencrypt")} }

func (f *fixture) write(name string, data []byte, mode os.FileMode) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, mode)); err != nil {
		f.t.Fatal(err)
	}
}

// lineage writes renewal/NAME.conf and one version that expires in so long.
func (f *fixture) lineage(name, conf string, left time.Duration, names ...string) {
	f.t.Helper()
	f.write("renewal/"+name+".conf", []byte(conf), 0o644)
	key, chain := selfSigned(f.t, left, names)
	f.write("archive/"+name+"/privkey1.pem", key, 0o600)
	f.write("archive/"+name+"/fullchain1.pem", chain, 0o644)
}

func selfSigned(t *testing.T, left time.Duration, names []string) (keyPEM, chainPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: time.Now().Add(left - 90*24*time.Hour), NotAfter: time.Now().Add(left)}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err == nil {
		keyPEM, err = leaf.EncodeKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

const month = 30 * 24 * time.Hour

// The files of several versions of certbot, as they wrote them.
const (
	confOf0_31 = `# renew_before_expiry = 30 days
version = 0.31.0
archive_dir = /etc/letsencrypt/archive/old.example.org
cert = /etc/letsencrypt/live/old.example.org/cert.pem
privkey = /etc/letsencrypt/live/old.example.org/privkey.pem
chain = /etc/letsencrypt/live/old.example.org/chain.pem
fullchain = /etc/letsencrypt/live/old.example.org/fullchain.pem

# Options used in the renewal process
[renewalparams]
authenticator = webroot
account = 0123456789abcdef0123456789abcdef
webroot_path = /var/www/html, /srv/static
server = https://acme-v02.api.letsencrypt.org/directory
pref_challs = http-01,
rsa_key_size = 4096
renew_hook = "systemctl reload postfix && echo 'done' # really"
[[webroot_map]]
old.example.org = /var/www/html
static.example.org = /srv/static
`
	confOf2 = `version = 2.1.0
[renewalparams]
account = 0123456789abcdef0123456789abcdef
authenticator = standalone
http01_port = 8080
http01_address = 127.0.0.1
server = https://acme-v02.api.letsencrypt.org/directory
key_type = ecdsa
elliptic_curve = secp384r1
reuse_key = True
preferred_chain = ISRG Root X2
allow_subset_of_names = True
`
	confOf5 = `version = 5.6.0
renew_before_expiry = 10 days
[renewalparams]
account = 0123456789abcdef0123456789abcdef
authenticator = dns-route53
installer = None
server = https://acme-v02.api.letsencrypt.org/directory
key_type = ecdsa
required_profile = shortlived
must_staple = True
[acme_renewal_info]
ari_retry_after = 2026-11-20T00:00:00
`
	head1 = "version = 2.11.0\n[renewalparams]\naccount = 0123456789abcdef0123456789abcdef\nserver = https://acme-v02.api.letsencrypt.org/directory\n"
)

// importInto prepares an import into a host without a configuration.
func (f *fixture) importInto(webroot string) (*Plan, *config.Config, string) {
	f.t.Helper()
	cfg := config.Default(config.PathsUnder(f.t.TempDir()))
	return f.prepare(cfg, webroot), cfg, filepath.Join(cfg.Paths.Etc, "config.toml")
}

func (f *fixture) prepare(cfg *config.Config, webroot string) *Plan {
	f.t.Helper()
	host, err := Read(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	plan, err := Prepare(host, cfg, filepath.Join(cfg.Paths.Etc, "config.toml"), Webroots{Given: webroot})
	if err != nil {
		f.t.Fatal(err)
	}
	return plan
}

func (f *fixture) account() *ecdsa.PrivateKey {
	f.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	raw, _ := key.Bytes()
	const at = "accounts/acme-v02.api.letsencrypt.org/directory/0123456789abcdef0123456789abcdef/"
	jwk, _ := json.Marshal(map[string]string{"kty": "EC", "crv": "P-256", "d": b64(raw), "x": b64(key.X.Bytes()), "y": b64(key.Y.Bytes())})
	f.write(at+"private_key.json", jwk, 0o400)
	f.write(at+"regr.json", []byte(`{"body": {"contact": ["mailto:a@example.org"]}, "uri": "https://acme-v02.api.letsencrypt.org/acme/acct/1"}`), 0o644)
	f.write(at+"meta.json", []byte(`{"creation_dt": "2019-03-04T05:06:07Z", "creation_host": "h"}`), 0o644)
	return key
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func TestSettingsOfSeveralVersions(t *testing.T) {
	f := newFixture(t)
	key := f.account()
	f.lineage("old.example.org", confOf0_31, month, "old.example.org", "static.example.org", "www.old.example.org", "192.0.2.1")
	f.lineage("two.example.org-0001", confOf2, month, "two.example.org")
	f.lineage("five.example.org", confOf5, month, "five.example.org", "*.five.example.org")
	f.write("renewal-hooks/deploy/postfix", []byte("#!/bin/sh\n"), 0o755)
	f.write("renewal-hooks/pre/README", nil, 0o644)
	f.write("cli.ini", []byte("max-log-backups = 0\nkey-type = rsa\n"), 0o644)
	plan, cfg, file := f.importInto("")
	if err := plan.Apply(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	got, problems := config.Problems(file, cfg.Paths)
	for _, p := range problems {
		t.Fatal(p)
	}
	if got.ACME.CA != "letsencrypt" || got.ACME.Directory != "" || got.ACME.Email != "a@example.org" || !got.ACME.AgreeTOS {
		t.Errorf("[acme]: %+v", got.ACME)
	}
	old, _ := got.Certificate("old.example.org")
	static := got.ChallengeFor("static.example.org")
	if old.Webroot != "/srv/static" && old.Webroot != "/var/www/html" || len(old.Names) != 4 || old.KeyType != "secp256r1" {
		t.Errorf("0.31: %+v, %+v", old, static)
	}
	two, _ := got.Certificate("two.example.org-0001")
	if two.Listen != "127.0.0.1:8080" || two.Webroot != "" || !two.ReuseKey || two.PreferredChain != "ISRG Root X2" {
		t.Errorf("2.1: %+v", two)
	}
	five, _ := got.Certificate("five.example.org")
	if five.Challenge != "dns-01" || five.DNSProvider != "route53" || five.Profile != "shortlived" || !five.NeedsProfile {
		t.Errorf("5.6: %+v", five)
	}
	want := []string{
		"five.example.org: must_staple", "five.example.org: renew_before_expiry = 10 days", "old.example.org: renew_hook = systemctl reload postfix && echo 'done' # really",
		"two.example.org-0001: allow_subset_of_names = True", "renewal-hooks/deploy/postfix", "cli.ini (key-type)",
	}
	for _, w := range want {
		if !slices.ContainsFunc(plan.NotCarried, func(s string) bool { return strings.Contains(s, w) }) {
			t.Errorf("not named: %s", w)
		}
	}
	if len(plan.NotCarried) != len(want) {
		t.Errorf("named: %q", plan.NotCarried)
	}
	checkStored(t, cfg, key)
}

func checkStored(t *testing.T, cfg *config.Config, key *ecdsa.PrivateKey) {
	t.Helper()
	client, err := acme.New(acme.Config{Dir: cfg.Paths.ACME, CAs: []acme.CA{acme.At("https://acme-v02.api.letsencrypt.org/directory")}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Accounts()
	if err != nil || list[0].URL != "https://acme-v02.api.letsencrypt.org/acme/acct/1" || list[0].Created.Year() != 2019 {
		t.Fatalf("%+v, %v", list, err)
	}
	data, err := os.ReadFile(list[0].KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := leaf.ParseKey(data); err != nil || !key.Equal(stored) {
		t.Errorf("the account's key: %v", err)
	}
	if info, err := os.Stat(list[0].KeyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	certs, err := store.Open(cfg.Paths.ACME).List()
	if err != nil || len(certs) != 3 {
		t.Fatalf("%d certificates, %v", len(certs), err)
	}
	for _, c := range certs {
		if c.Latest.KeyFile() == "" || c.Latest.Meta.CA != "letsencrypt" || c.Latest.Meta.Account != list[0].URL {
			t.Errorf("%+v", c.Latest.Meta)
		}
	}
}

// What cannot be renewed by us as it stands is named, and stands in the
// configuration as a comment: the others must not suffer from it.
func TestWhatWeCannotRenew(t *testing.T) {
	f := newFixture(t)
	f.account()
	f.lineage("a.example.org", head1+"authenticator = apache\ninstaller = apache\n", month, "a.example.org")
	f.lineage("b.example.org", head1+"authenticator = dns-cloudflare\ndns_cloudflare_credentials = /root/cf.ini\n", month, "*.b.example.org")
	f.lineage("c.example.org", head1+"authenticator = manual\nmanual_auth_hook = /root/auth.sh\n", month, "c.example.org")
	f.lineage("d.example.org", head1+"authenticator = webroot\nwebroot_path = /srv,\nautorenew = False\n", month, "d.example.org")
	f.lineage("e.example.org", strings.Replace(head1, "acme-v02", "acme-staging-v02", 1)+"authenticator = webroot\nwebroot_path = /srv,\n", month, "e.example.org")
	f.lineage("f.example.org", head1+"authenticator = webroot\nwebroot_path = /srv,\n", -time.Hour, "f.example.org")
	f.lineage("g.example.org", head1+"authenticator = nginx\n", month, "g_g.example.org")
	f.lineage("h.example.org", head1+"authenticator = webroot\nwebroot_path = /srv,\n", month, "h.example.org")
	f.write("archive/h.example.org/fullchain1.pem", []byte("damaged"), 0o644)
	plan, cfg, file := f.importInto("")
	if err := plan.Apply(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan.Certificates, " "); got != "f.example.org" {
		t.Errorf("taken over: %s", got)
	}
	said := strings.Join(plan.NotCarried, "\n")
	for _, want := range []string{`a.example.org: certbot's plugin "apache"`, "dns-cloudflare", "/root/auth.sh", "autorenew", "staging", "f.example.org: no valid certificate", `g.example.org: certbot's plugin "nginx"`, "h.example.org: reading a chain"} {
		if !strings.Contains(said, want) {
			t.Errorf("not named: %s in\n%s", want, said)
		}
	}
	text, _ := os.ReadFile(file)
	if !strings.Contains(string(text), "# [[certificate]]\n# name = \"a.example.org\"\n") {
		t.Errorf("the configuration:\n%s", text)
	}
	if got, problems := config.Problems(file, cfg.Paths); len(problems) > 0 || len(got.Certificates) != 1 {
		t.Errorf("%v", problems)
	}
	// With a webroot, what a plugin answered is renewed by files.
	plan, _, _ = f.importInto("/var/www/html")
	if got := strings.Join(plan.Certificates, " "); got != "a.example.org f.example.org" {
		t.Errorf("with a webroot: %s", got)
	}
	if said := strings.Join(plan.NotCarried, "\n"); !strings.Contains(said, `"g_g" may hold only letters`) {
		t.Errorf("a name that is none: %s", said)
	}
}

// certbot --apache is how most arrive: the DocumentRoots say where files go.
func TestRootsOfApache(t *testing.T) {
	f := newFixture(t)
	f.lineage("a.example.org", head1+"authenticator = apache\ninstaller = apache\n", month, "a.example.org", "b.example.org", "c.example.org")
	f.lineage("n.example.org", head1+"authenticator = nginx\n", month, "n.example.org")
	host, err := Read(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default(config.PathsUnder(t.TempDir()))
	roots := map[string]string{"a.example.org": "/srv/a", "b.example.org": "/srv/b", "c.example.org": "/srv/a", "n.example.org": "/srv/n"}
	plan, err := Prepare(host, cfg, cfg.Paths.ConfigFile(), Webroots{Apache: func(name string) string { return roots[name] }})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan.Certificates, " "); got != "a.example.org" || !strings.Contains(plan.Text, "webroot = \"/srv/a\"\n") ||
		!strings.Contains(plan.Text, "[[challenge]]\nnames = [\"b.example.org\"]\nwebroot = \"/srv/b\"\n") {
		t.Errorf("%s\n%s", got, plan.Text)
	}
}

func TestConfigurationOfOursStays(t *testing.T) {
	f := newFixture(t)
	f.lineage("a.example.org", head1+"authenticator = webroot\nwebroot_path = /srv,\n", month, "a.example.org")
	f.lineage("b.example.org", head1+"authenticator = webroot\nwebroot_path = /srv,\n", month, "b.example.org")
	paths := config.PathsUnder(t.TempDir())
	file := paths.ConfigFile()
	ours := "# mine\n[acme]\nca = \"zerossl\"\n[[certificate]]\nname = \"a.example.org\"\nnames = [\"a.example.org\"]\nwebroot = \"/x\" # no newline"
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(ours), 0o640)); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Problems(file, paths)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	plan := f.prepare(cfg, "")
	if diff := plan.Diff(); !strings.Contains(diff, "+name = \"b.example.org\"\n") || strings.Contains(diff, "\n-") || strings.Contains(diff, "a.example.org") {
		t.Errorf("the difference:\n%s", diff)
	}
	said := strings.Join(plan.NotCarried, "\n")
	if !strings.Contains(said, "it will be renewed by the one of [acme]") || !strings.Contains(said, "reading certbot's account key") {
		t.Errorf("named: %s", said)
	}
	if err := os.WriteFile(file, []byte(ours+"\n# changed"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "changed in the meantime") {
		t.Errorf("over a change: %v", err)
	}
	if err := os.WriteFile(file, []byte(ours), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := f.prepare(cfg, "").Apply(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	info, _ := os.Stat(file)
	if !strings.HasPrefix(string(text), ours+"\n[[certificate]]\n") || info.Mode().Perm() != 0o640 {
		t.Errorf("%v\n%s", info.Mode(), text)
	}
}

func TestNoCertbot(t *testing.T) {
	for name, dir := range map[string]string{"missing": filepath.Join(t.TempDir(), "x"), "empty": t.TempDir()} {
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "no certificate of certbot") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysOfAccounts(t *testing.T) {
	made, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(change func(map[string]string)) []byte {
		m := map[string]string{"kty": "RSA", "n": b64(made.N.Bytes()), "e": "AQAB", "d": b64(made.D.Bytes()),
			"p": b64(made.Primes[0].Bytes()), "q": b64(made.Primes[1].Bytes())}
		change(m)
		data, _ := json.Marshal(m)
		return data
	}
	if key, err := parseJWK(jwk(func(map[string]string) {})); err != nil || !made.Equal(key) {
		t.Errorf("RSA: %v", err)
	}
	for name, data := range map[string][]byte{
		"not JSON": []byte("{"), "another kind": []byte(`{"kty":"oct"}`), "another curve": []byte(`{"kty":"EC","crv":"P-1"}`),
		"EC of nothing": []byte(`{"kty":"EC","crv":"P-256"}`),
		"no modulus":    jwk(func(m map[string]string) { delete(m, "n") }),
		"no primes":     jwk(func(m map[string]string) { delete(m, "p") }),
		"odd exponent":  jwk(func(m map[string]string) { m["e"] = "AQABAQABAQAB" }),
		"another's d":   jwk(func(m map[string]string) { m["d"] = "AQAB" }),
		"no base64":     jwk(func(m map[string]string) { m["d"] = "!" }),
	} {
		if _, err := parseJWK(data); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAccountOutsideTheDirectory(t *testing.T) {
	f := newFixture(t)
	f.account()
	for _, c := range [][2]string{
		{"https://acme-v02.api.letsencrypt.org/directory", "../0123456789abcdef0123456789abcdef"}, {"https://acme-v02.api.letsencrypt.org/directory", ""},
		{"https://acme-v02.api.letsencrypt.org/directory", ".."}, {"https://x/../../../../../etc", "passwd"}, {"", "x"}, {"x", "x"},
	} {
		if _, err := readAccount(f.dir, c[0], c[1]); err == nil {
			t.Errorf("%q was read", c)
		}
	}
}

func TestValuesOfPython(t *testing.T) {
	text := `a = 1 # one
b = "x # y", z
c = 'it"s'
"d" = None
e =
f = a=b
[renewalparams] # ours
g = True
[[webroot_map]]
bücher.example = /srv/b
[[other]]
h = 1
[next]
i = 1
`
	s := parseSettings(text)
	if got := fmt.Sprint(s.Top, s.Params, s.Webroots); got != `map[a:1 b:"x # y", z c:it"s d: e: f:a=b] map[g:True] map[bücher.example:/srv/b]` {
		t.Error(got)
	}
	if got := list(`"a b", c,, 'd',`); strings.Join(got, "|") != "a b|c|d" {
		t.Errorf("%q", got)
	}
}
