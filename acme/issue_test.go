package acme

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/leaf"
)

func TestTwoNamesByEveryChallenge(t *testing.T) {
	httpPort, tlsPort := acmetest.FreePort(t), acmetest.FreePort(t)
	h := newHost(t, acmetest.Options{})
	own := newHost(t, acmetest.Options{HTTPPort: httpPort, TLSPort: tlsPort, Strict: true})
	tests := map[string]struct {
		host host
		way  challenge.Way
	}{
		"webroot":     {h, challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}},
		"listener":    {own, challenge.Way{Type: challenge.HTTP01, Listen: "127.0.0.1:" + strconv.Itoa(httpPort)}},
		"tls-alpn-01": {own, challenge.Way{Type: challenge.TLSALPN01, Listen: "127.0.0.1:" + strconv.Itoa(tlsPort)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := test.host.request()
			r.Name, r.Challenge = name, test.way
			g, err := test.host.client(t).Issue(testContext(t), r, IssueOptions{Force: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := leaf.Names(g.Leaf); !slices.Equal(got, []string{"example.org", "www.example.org"}) {
				t.Errorf("names: %q", got)
			}
			if got := leaf.KeyType(g.Leaf.PublicKey); got != "secp384r1" {
				t.Errorf("key type: %s", got)
			}
			if found := litter(t, filepath.Dir(test.host.dir)); found != nil {
				t.Errorf("litter: %q", found)
			}
			checkModes(t, g)
		})
	}
}

func checkModes(t *testing.T, g store.Generation) {
	t.Helper()
	for path, want := range map[string]fs.FileMode{
		g.KeyFile(): 0o600, g.ChainFile(): 0o644, g.Dir: fs.ModeDir | 0o700, filepath.Dir(g.Dir): fs.ModeDir | 0o700,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestUmaskOfAHardenedUnit(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	run(t, killedRun{Config: h.config(), Request: h.request(), Umask: 0o077}, false)
	info, err := os.Stat(filepath.Join(h.webroot, ".well-known", "acme-challenge"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("challenge directory: %v, %v", info, err)
	}
	g, err := store.Open(h.dir).Latest("www")
	if err != nil {
		t.Fatal(err)
	}
	checkModes(t, g)
}

// run executes a child and says whether it was killed.
func run(t *testing.T, r killedRun, killed bool) {
	t.Helper()
	told, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(testContext(t), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(told))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if killed && (!errors.As(err, &exit) || exit.ProcessState.ExitCode() != -1) {
		t.Fatalf("the child should have been killed at %s: %v\n%s", r.Step, err, out)
	}
	if !killed && err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestKilledAtEveryStep(t *testing.T) {
	for _, step := range []string{
		"registered", "begun", "ordered", "presented", "finalizing", "finalized", "downloaded", "stored", "linked",
	} {
		t.Run(step, func(t *testing.T) {
			h := newHost(t, acmetest.Options{NonceReject: 20})
			run(t, killedRun{Config: h.config(), Request: h.request(), Step: step}, true)
			h.renew(t, h.request())
			g, err := store.Open(h.dir).Latest("www")
			if err != nil {
				t.Fatal(err)
			}
			if got := h.ca.Issued(); got != 1 {
				t.Errorf("the CA issued %d certificates", got)
			}
			if got := h.ca.Accounts(); got != 1 {
				t.Errorf("the CA has %d accounts", got)
			}
			if found := litter(t, filepath.Dir(h.dir)); found != nil {
				t.Errorf("litter: %q", found)
			}
			checkModes(t, g)
			checkServed(t, h, g)
		})
	}
}

// checkServed verifies the stored chain as a client would, and the link.
func checkServed(t *testing.T, h host, g store.Generation) {
	t.Helper()
	pool := x509.NewCertPool()
	for _, c := range g.Chain[1:] {
		pool.AddCert(c)
	}
	if _, err := g.Leaf.Verify(x509.VerifyOptions{DNSName: "www.example.org", Roots: h.ca.Roots(), Intermediates: pool}); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(filepath.Join(h.dir, "live", "www", "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := leaf.ParseKey(data)
	if err != nil {
		t.Fatal(err)
	}
	want := leaf.Want{Names: []string{"example.org", "www.example.org"}, PublicKey: key.Public(), Now: time.Now()}
	if err := leaf.Check(g.Chain, want); err != nil {
		t.Error(err)
	}
}

func TestBadNamesBeforeAnyRequest(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	for _, bad := range []string{
		"", "exa mple.org", "-x.example.org", "x_y.example.org", "a..example.org", "*.*.example.org", "www.*.org",
		"http://example.org", "example.org/path", "10.0.0.256", "fe80::1%eth0", "*.example.org",
		strings.Repeat("a", 64) + ".org", strings.Repeat("abcdefgh.", 30) + "org", "example.org;rm",
	} {
		r := h.request()
		r.Names = []string{"good.example.org", bad}
		_, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
		var name *dnsname.Error
		if !errors.As(err, &name) || name.Name != bad {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	for _, bad := range []string{"", "..", "a/b", "*.example.org", ".hidden"} {
		r := h.request()
		r.Name = bad
		if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err == nil {
			t.Errorf("the certificate may be called %q", bad)
		}
	}
	if got := h.ca.Requests(); got != 0 {
		t.Errorf("the CA got %d requests", got)
	}
}
