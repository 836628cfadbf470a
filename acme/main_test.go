package acme

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
)

// killedRun is what a child process of a test does: one Issue, and a SIGKILL
// of itself at one step. It is the test binary again, told so by childVariable.
type killedRun struct {
	Config      Config
	Request     Request
	Options     IssueOptions
	Step        string // "" lives
	Umask       int
	Deactivates bool // the account, and no Issue
	Rehearses   bool // the issuance
}

const childVariable = "TLSKEEPER_ACME_CHILD"

func TestMain(m *testing.M) {
	if told := os.Getenv(childVariable); told != "" {
		os.Exit(runChild(told))
	}
	os.Exit(m.Run())
}

func runChild(told string) int {
	var run killedRun
	if err := json.Unmarshal([]byte(told), &run); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if run.Umask != 0 {
		syscall.Umask(run.Umask)
	}
	if run.Rehearses {
		return rehearse(run)
	}
	c, err := New(run.Config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if run.Deactivates {
		if err := c.Deactivate(context.Background(), run.Config.CAs[0].Directory); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	c.step = run.killAt
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.Issue(ctx, run.Request, run.Options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (run killedRun) killAt(step string) {
	if step == run.Step {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func rehearse(run killedRun) int {
	c, done, err := Rehearse(run.Config)
	if err == nil {
		c.step = run.killAt
		_, err = c.Try(context.Background(), run.Request)
		done()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// host is a test's machine: a CA, a directory and a webroot that the CA sees.
type host struct {
	ca        *acmetest.CA
	dir       string
	webroot   string
	transport http.RoundTripper // nil is the network
}

func newHost(t *testing.T, o acmetest.Options) host {
	t.Helper()
	root := t.TempDir()
	h := host{dir: filepath.Join(root, "acme"), webroot: filepath.Join(root, "www")}
	if err := os.Mkdir(h.webroot, 0o755); err != nil {
		t.Fatal(err)
	}
	if o.HTTPPort == 0 {
		o.HTTPPort = acmetest.Webroot(t, h.webroot)
	}
	h.ca = acmetest.New(t, o)
	return h
}

func (h host) config() Config {
	return Config{
		Dir: h.dir, AgreeTOS: true, Transport: h.transport,
		CAs: []CA{{Name: "test", Directory: h.ca.Directory, CAFile: h.ca.RootFile}},
	}
}

func (h host) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(h.config())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// request is for two names by webroot.
func (h host) request() Request {
	return Request{
		Name: "www", Names: []string{"www.example.org", "example.org"},
		Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot},
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// litter lists what lies below dir although no order is in hand: temporary
// files, journals and challenge files.
func litter(t *testing.T, dirs ...string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{
		"acme/certs/*/order", "acme/certs/.tlskeeper*", "acme/certs/*/.tlskeeper*", "acme/certs/*/gen/.tlskeeper*",
		"acme/live/.tlskeeper*", "acme/accounts/*/.tlskeeper*", "www/.well-known/acme-challenge/*",
	} {
		for _, dir := range dirs {
			matches, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, matches...)
		}
	}
	return found
}

const day = 24 * time.Hour
