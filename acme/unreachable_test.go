package acme

import (
	"net/http/httptest"
	"strings"
	"testing"

	"tlskeeper/acme/challenge"
	"tlskeeper/internal/hint"
)

// A CA whose own HTTPS certificate nobody here knows: what to set is said, once.
func TestUnknownRootOfTheCA(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	c, err := New(Config{Dir: t.TempDir(), CAs: []CA{At(server.URL + "/dir")}, AgreeTOS: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Issue(t.Context(), Request{Name: "a.test", Names: []string{"a.test"}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: t.TempDir()}}, IssueOptions{})
	if err == nil || strings.Count(err.Error(), server.URL) != 1 || !strings.Contains(hint.Of(err), "ca_file") {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
}
