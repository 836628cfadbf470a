package acme

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tlskeeper/acme/acmetest"
)

// A CA that answers with 8,000 subproblems fills no log and no status with them.
func TestThousandsOfSubproblems(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"several names are refused","subproblems":[`)
	for i := range 8000 {
		if i > 0 {
			body.WriteString(",")
		}
		fmt.Fprintf(&body, `{"type":"urn:ietf:params:acme:error:dns","identifier":{"type":"dns","value":"n%d.example.org"}}`, i)
	}
	body.WriteString("]}")
	h := newHost(t, acmetest.Options{Intercept: damage(always(pathOrder), func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(body.String()))
	})})
	c := h.client(t)
	_, err := c.Issue(testContext(t), h.request(), IssueOptions{})
	if err == nil || len(err.Error()) > 2100 || !strings.Contains(err.Error(), "several names are refused") ||
		!strings.Contains(err.Error(), "n9.example.org") || !strings.Contains(err.Error(), "and 7990 more") {
		t.Errorf("%d bytes: %.3000v", len(err.Error()), err)
	}
	if state, _ := c.store.State("www"); len(state.LastError) > 2100 {
		t.Errorf("%d bytes are kept", len(state.LastError))
	}
}

// However long each of them is.
func TestLongWordsOfACA(t *testing.T) {
	p := &Problem{Type: "malformed"}
	for range 10 {
		p.Sub = append(p.Sub, Problem{Detail: strings.Repeat("ä", 10000), Identifier: strings.Repeat("b", 10000)})
	}
	if text := p.Error(); len(text) > 2100 || !utf8.ValidString(text) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
	h := newHost(t, acmetest.Options{})
	c := h.client(t)
	if err := c.store.MarkNotDeployed("www", 1, strings.Repeat("x", 1<<20), time.Now()); err != nil {
		t.Fatal(err)
	}
	if state, err := c.store.State("www"); err != nil || len(state.DeployError) > 2100 {
		t.Errorf("%d bytes are kept: %v", len(state.DeployError), err)
	}
}
