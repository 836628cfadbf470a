package renewal

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/apacheconf/apachetest"
)

// host is a test's machine: an Apache with one TLS site on an old certificate,
// and a CA that validates through its plain HTTP.
type host struct {
	t      *testing.T
	apache *apachetest.Apache
	ca     *acmetest.CA
	conf   apacheconf.Config
	cfg    Config
}

const site = "www.example.test"

// lockWait is for the moment between fork and exec of somebody else's child in
// this process, which holds the lock of a run that has ended a little longer.
const lockWait = 10 * time.Second

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t}
	root := t.TempDir()
	etc := filepath.Join(root, "etc", "apache")
	// Apache's workers, another user, must be able to walk to the webroot.
	if err := errors.Join(os.MkdirAll(etc, 0o755), os.Chmod(filepath.Dir(root), 0o755)); err != nil {
		t.Fatal(err)
	}
	old, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := old.Issue(filepath.Join(root, "old"), apachetest.Leaf{Names: []string{site}, KeyType: "rsa2048"})
	if err != nil {
		t.Fatal(err)
	}
	h.apache = apachetest.Make(t, apachetest.Options{
		IncludeOptional: []string{filepath.Join(etc, "tlskeeper.conf")},
		VHosts:          []apachetest.VHost{{Name: site, Plain: true}, {Name: site, CertFile: pair.CertFile, KeyFile: pair.KeyFile}},
	})
	if err := h.apache.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.ca = acmetest.New(t, acmetest.Options{HTTPPort: h.apache.HTTPPort, NonceReject: 5})
	h.conf = apacheconf.Config{
		Binary: h.apache.Binary, ServerRoot: h.apache.Dir, ConfigFile: h.apache.ConfigFile,
		EtcDir: etc, StateDir: filepath.Join(root, "state"), TLSLog: filepath.Join(h.apache.Dir, "logs", "tls.log"),
	}
	h.cfg = Config{Dir: filepath.Join(root, "lib", "acme"), Deploy: Apache(h.conf), LockWait: lockWait, Requests: []acme.Request{{
		Name: site, Names: []string{site}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.apache.DocRoot}, Keep: 5,
	}}}
	h.cfg.Client, err = acme.New(acme.Config{Dir: h.cfg.Dir, AgreeTOS: true,
		CAs: []acme.CA{{Name: "test", Directory: h.ca.Directory, CAFile: h.ca.RootFile}}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newOffline is a host without an Apache; the CA believes every challenge.
func newOffline(t *testing.T, o acmetest.Options) *host {
	t.Helper()
	o.AlwaysValid = true
	h := &host{t: t, ca: acmetest.New(t, o)}
	root := t.TempDir()
	h.cfg = Config{Dir: filepath.Join(root, "acme"), Requests: []acme.Request{{
		Name: site, Names: []string{site}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root}, Keep: 5,
	}}}
	var err error
	h.cfg.Client, err = acme.New(acme.Config{Dir: h.cfg.Dir, AgreeTOS: true,
		CAs: []acme.CA{{Name: "test", Directory: h.ca.Directory, CAFile: h.ca.RootFile}}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// moveTo gives the host another directory for its certificates.
func (h *host) moveTo(dir string) {
	h.t.Helper()
	var err error
	h.cfg.Dir = dir
	h.cfg.Client, err = acme.New(acme.Config{Dir: dir, AgreeTOS: true,
		CAs: []acme.CA{{Name: "test", Directory: h.ca.Directory, CAFile: h.ca.RootFile}}})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) ctx() context.Context {
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	h.t.Cleanup(cancel)
	return ctx
}

// adopt lets the site serve our certificate, as `apache adopt` does.
func (h *host) adopt() {
	h.t.Helper()
	server, err := apacheconf.Discover(h.ctx(), h.conf)
	if err != nil {
		h.t.Fatal(err)
	}
	g, err := store.Open(h.cfg.Dir).Latest(site)
	if err != nil {
		h.t.Fatal(err)
	}
	plan, err := server.Plan(h.ctx(), apacheconf.Change{Adopt: []string{site}, Generations: map[string]string{site: g.Dir}})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := server.Apply(h.ctx(), plan); err != nil {
		h.t.Fatal(err)
	}
}

// served is the serial number that a visitor sees.
func (h *host) served() string {
	h.t.Helper()
	serial, err := h.visit(h.ctx())
	if err != nil {
		h.t.Fatal(err)
	}
	return serial
}

// visit shakes hands; crypto/tls refuses a signature that is not by the key of
// the certificate shown.
func (h *host) visit(ctx context.Context) (serial string, err error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{ServerName: site, InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", h.apache.Addr())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Text(16), nil
}

// run expects success.
func (h *host) run(o Options) *Report {
	h.t.Helper()
	report, err := Run(h.ctx(), h.cfg, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return report
}
