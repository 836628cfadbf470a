package acme

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

const nobody = 65534

// refused holds that err names what others may change and how to end that.
func refused(t *testing.T, err error, path string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "may change it") || !strings.Contains(hint.Of(err), path) {
		t.Errorf("%s of another user: %v (hint %q)", path, err, hint.Of(err))
	}
}

func TestOwnCSROfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	h := newHost(t, acmetest.Options{})
	c := h.client(t)
	csr, key := acmetest.WriteCSR(t, "", "a.example.org")
	r := Request{Name: "own", CSRFile: csr, KeyFile: key, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
	for _, path := range []string{csr, key} {
		if err := os.Chown(path, nobody, -1); err != nil {
			t.Fatal(err)
		}
		_, err := c.Issue(testContext(t), r, IssueOptions{})
		refused(t, err, path)
		if err := os.Chown(path, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
	if h.ca.Requests() != 0 {
		t.Errorf("the CA got %d requests", h.ca.Requests())
	}
}

func TestAccountKeyOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	for _, file := range []string{keyFile, "account.json"} {
		h := newHost(t, acmetest.Options{})
		c := h.client(t)
		if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(c.accountOf(c.endpoints[0].ca).dir, file)
		if err := os.Chown(path, nobody, -1); err != nil {
			t.Fatal(err)
		}
		_, err := c.Issue(testContext(t), h.request(), IssueOptions{Force: true})
		refused(t, err, path)
	}
}

// An account is not made where another could exchange it.
func TestStoreInADirectoryOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	h := newHost(t, acmetest.Options{})
	if err := errors.Join(os.MkdirAll(h.dir, 0o700), os.Chown(h.dir, nobody, -1)); err != nil {
		t.Fatal(err)
	}
	_, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	refused(t, err, h.dir)
}

func TestRootsOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	h := newHost(t, acmetest.Options{})
	if err := os.Chown(h.ca.RootFile, nobody, -1); err != nil {
		t.Fatal(err)
	}
	_, err := New(h.config())
	refused(t, err, h.ca.RootFile)
}

func TestDNSProgramOfAnotherUserIsNotRun(t *testing.T) {
	testenv.NeedRoot(t)
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	dir := t.TempDir()
	program, ran := filepath.Join(dir, "dns"), filepath.Join(dir, "ran")
	if err := errors.Join(os.WriteFile(program, []byte("#!/bin/sh\necho >>"+ran+"\n"), 0o755), os.Chown(program, nobody, -1)); err != nil {
		t.Fatal(err)
	}
	r := Request{Name: "a", Names: []string{"*.example.org"}, Challenge: challenge.Way{Type: challenge.DNS01, Provider: "exec", Exec: program}}
	_, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
	refused(t, err, program)
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was run")
	}
}

// AWS's files can name a program (credential_process), and lego reads the
// secrets of its providers from files that variables name.
func TestCredentialsOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	h := newHost(t, acmetest.Options{})
	url, log := httpreqServer(t, h.ca)
	newRoute53(t, h.ca)
	for _, c := range []struct{ provider, variable string }{
		{"route53", "AWS_CONFIG_FILE"}, {"route53", "AWS_SHARED_CREDENTIALS_FILE"}, {"httpreq", "HTTPREQ_PASSWORD_FILE"},
	} {
		t.Setenv("HTTPREQ_ENDPOINT", url)
		path := filepath.Join(t.TempDir(), "secret")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, nobody, -1)); err != nil {
			t.Fatal(err)
		}
		t.Setenv(c.variable, path)
		r := Request{Name: "a", Names: []string{"*.example.org"}, Challenge: challenge.Way{Type: challenge.DNS01, Provider: c.provider}}
		_, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
		refused(t, err, path)
		t.Setenv(c.variable, "/dev/null")
	}
	if len(log()) > 0 {
		t.Errorf("asked: %q", log())
	}
}
