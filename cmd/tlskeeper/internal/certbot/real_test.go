package certbot

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/testenv"
)

// oldHost is a host where certbot is at work with a real CA.
type oldHost struct {
	t       *testing.T
	ca      *acmetest.CA
	dir     string // certbot's
	webroot string
	cfg     *config.Config
	file    string
}

func newOldHost(t *testing.T) *oldHost {
	t.Helper()
	testenv.Need(t, "certbot")
	root := t.TempDir()
	h := &oldHost{t: t, dir: filepath.Join(root, "letsencrypt"), webroot: filepath.Join(root, "www"), file: filepath.Join(root, "etc", "config.toml")}
	if err := os.MkdirAll(h.webroot, 0o755); err != nil {
		t.Fatal(err)
	}
	h.ca = acmetest.New(t, acmetest.Options{HTTPPort: acmetest.Webroot(t, h.webroot)})
	h.cfg = config.Default(config.PathsUnder(filepath.Join(root, "ours")))
	return h
}

// certbot runs it as a user would, in directories of the test.
func (h *oldHost) certbot(args ...string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer cancel()
	work := h.t.TempDir()
	args = append(args, "--non-interactive", "--config-dir", h.dir, "--work-dir", work, "--logs-dir", work, "--server", h.ca.Directory)
	cmd := exec.CommandContext(ctx, "certbot", args...)
	cmd.Env = append(os.Environ(), "REQUESTS_CA_BUNDLE="+h.ca.RootFile)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("certbot %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (h *oldHost) prepare() *Plan {
	h.t.Helper()
	host, err := Read(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	plan, err := Prepare(host, h.cfg, h.file, Webroots{})
	if err != nil {
		h.t.Fatal(err)
	}
	return plan
}

func TestHostOfARealCertbot(t *testing.T) {
	h := newOldHost(t)
	h.certbot("certonly", "--webroot", "-w", h.webroot, "-d", "www.example.org", "-d", "example.org", "--agree-tos", "--register-unsafely-without-email",
		"--deploy-hook", "true it's done", "--elliptic-curve", "secp384r1")
	h.certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
	h.certbot("certonly", "--webroot", "-w", h.webroot, "-d", "rsa.example.org", "--key-type", "rsa", "--reuse-key")
	before := tree(t, h.dir)

	plan := h.prepare()
	if err := plan.Apply(t.Context(), h.cfg); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, h.dir); after != before {
		t.Error("certbot's directory was changed")
	}
	if got := strings.Join(plan.NotCarried, "\n"); got != "www.example.org: renew_hook = true it's done: a shell's line; write it under [hooks] as deploy = [\"/full/path\", \"argument\"]" {
		t.Errorf("not carried over: %s", got)
	}
	cfg, problems := config.Problems(h.file, h.cfg.Paths)
	for _, p := range problems {
		t.Fatal(p)
	}
	store := store.Open(cfg.Paths.ACME)
	www, err := store.Latest("www.example.org")
	if err != nil || www.Number != 2 || www.KeyFile() == "" || leaf.KeyType(www.Leaf.PublicKey) != "secp384r1" {
		t.Errorf("www: generation %d, %v", www.Number, err)
	}
	rsa, _ := cfg.Certificate("rsa.example.org")
	if rsa.KeyType != "rsa2048" || !rsa.ReuseKey || rsa.Webroot != h.webroot || !cfg.ACME.AgreeTOS {
		t.Errorf("%+v\n%+v", rsa, cfg.ACME)
	}
	h.renews(cfg, www)
	// A second import finds everything in its place.
	h.cfg = cfg
	if again := h.prepare(); !again.Empty() || len(again.Skipped) != 2 {
		t.Errorf("again: %+v", again)
	}
}

// renews checks that ours go on with certbot's account and settings.
func (h *oldHost) renews(cfg *config.Config, former store.Generation) {
	h.t.Helper()
	client, err := acme.New(acme.Config{Dir: cfg.Paths.ACME, AgreeTOS: cfg.ACME.AgreeTOS,
		CAs: []acme.CA{{Name: "test", Directory: cfg.ACME.Directory, CAFile: h.ca.RootFile}}})
	if err != nil {
		h.t.Fatal(err)
	}
	cert := cfg.Certificates[1]
	request := acme.Request{Name: cert.Name, Names: cert.Names, KeyType: acme.KeyType(cert.KeyType), ReuseKey: cert.ReuseKey,
		Challenge: challenge.Way{Type: cert.Challenge, Webroot: cert.Webroot}}
	g, err := client.Issue(h.t.Context(), request, acme.IssueOptions{Force: true, Replaces: schedule.CertID(former.Leaf)})
	if err != nil || g.Number != 3 || g.Meta.Account != former.Meta.Account {
		h.t.Errorf("generation %d of account %s, not %s: %v", g.Number, g.Meta.Account, former.Meta.Account, err)
	}
	if h.ca.Accounts() != 1 {
		h.t.Errorf("%d accounts", h.ca.Accounts())
	}
}

// tree lists every file of a directory with mode, size and time.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
