package acme

import (
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/internal/hint"
)

// A webroot that is not there is found before the CA is asked for anything.
func TestWebrootMissing(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	c, err := New(h.config())
	if err != nil {
		t.Fatal(err)
	}
	r := h.request()
	r.Challenge = challenge.Way{Type: challenge.HTTP01, Webroot: filepath.Join(t.TempDir(), "gone")}
	_, err = c.Issue(testContext(t), r, IssueOptions{})
	if err == nil || !strings.Contains(err.Error(), "name "+r.Names[0]) || !strings.Contains(hint.Of(err), "DocumentRoot") {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
	if h.ca.Accounts() != 0 {
		t.Error("there is an account")
	}
}
