package acme

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
)

// twoCAs is a host whose first CA refuses every order as refuse does.
func twoCAs(t *testing.T, refuse func(http.ResponseWriter)) (first, second host, c *Client) {
	t.Helper()
	first = newHost(t, acmetest.Options{AlwaysValid: true, Intercept: damage(always(pathOrder),
		func(w http.ResponseWriter, _ *httptest.ResponseRecorder) { refuse(w) })})
	second = newHost(t, acmetest.Options{AlwaysValid: true})
	cfg := first.config()
	cfg.FailoverAfter = 2
	cfg.CAs = append(cfg.CAs, CA{Name: "second", Directory: second.ca.Directory, CAFile: second.ca.RootFile})
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return first, second, c
}

func outOfOrder(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusForbidden)
	w.Write([]byte(`{"type":"urn:ietf:params:acme:error:unauthorized","detail":"not today"}`))
}

func TestSecondCAAfterFailures(t *testing.T) {
	first, second, c := twoCAs(t, outOfOrder)
	attended := IssueOptions{Attended: true}
	for range 2 {
		if _, err := c.Issue(testContext(t), first.request(), attended); err == nil {
			t.Fatal("the first CA should refuse")
		}
	}
	g, err := c.Issue(testContext(t), first.request(), attended)
	if err != nil {
		t.Fatal(err)
	}
	if g.Meta.CA != "second" || second.ca.Issued() != 1 {
		t.Errorf("issued by %s", g.Meta.CA)
	}
	if list, err := c.Accounts(); err != nil || len(list) != 2 || list[0].URL == list[1].URL || list[1].KeyFile == "" || list[0].KeyFile == list[1].KeyFile {
		t.Errorf("accounts: %+v, %v", list, err)
	}
	if state, _ := c.store.State("www"); state.Failures != 0 {
		t.Errorf("%d failures are left: the next renewal must begin with the first CA", state.Failures)
	}
	// Revoking asks the CA that issued, which is not the first one.
	if err := c.Revoke(testContext(t), g, 0); err != nil || !second.ca.Revoked(g.Leaf) {
		t.Errorf("revoking: %v", err)
	}
}

func TestSecondCAWhileTheFirstWantsAPause(t *testing.T) {
	first, second, c := twoCAs(t, func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := c.Issue(testContext(t), first.request(), IssueOptions{})
	var pause *BackoffError
	if !errors.As(err, &pause) {
		t.Fatalf("got %v", err)
	}
	before := first.ca.Requests()
	g, err := c.Issue(testContext(t), first.request(), IssueOptions{Attended: true})
	if err != nil || g.Meta.CA != "second" || second.ca.Issued() != 1 {
		t.Errorf("issued by %q, %v", g.Meta.CA, err)
	}
	if first.ca.Requests() != before {
		t.Error("the first CA was asked within its pause")
	}
}

func TestChoiceOfTheCAByTheTimeLeft(t *testing.T) {
	first, _, c := twoCAs(t, outOfOrder)
	g, err := c.Issue(testContext(t), Request{Name: "www", Names: []string{"a.example"}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: first.webroot}}, IssueOptions{Attended: true})
	if err == nil {
		t.Fatal("the first CA should refuse", g)
	}
	healthy := newHost(t, acmetest.Options{AlwaysValid: true})
	if g, err = healthy.client(t).Issue(testContext(t), healthy.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	c.store = healthy.client(t).store
	end, soon := g.Leaf.NotAfter, time.Hour
	pause := func(until time.Time) store.State {
		return store.State{Failures: 1, Pauses: map[string]time.Time{first.ca.Directory: until}}
	}
	tests := map[string]struct {
		state store.State
		now   time.Time
		want  string
	}{
		"a failure, and time":             {store.State{Failures: 1}, end.Add(-20 * 24 * time.Hour), "test"},
		"failures, and time":              {store.State{Failures: 2}, end.Add(-20 * 24 * time.Hour), "second"},
		"failures of both":                {store.State{Failures: 4}, end.Add(-20 * 24 * time.Hour), "test"},
		"a failure, and little time":      {store.State{Failures: 1}, end.Add(-14 * 24 * time.Hour), "second"},
		"no failure, and little time":     {store.State{}, end.Add(-14 * 24 * time.Hour), "test"},
		"a failure of each, little time":  {store.State{Failures: 2}, end.Add(-14 * 24 * time.Hour), "test"},
		"a pause that ends in time":       {pause(end.Add(-19 * 24 * time.Hour)), end.Add(-20 * 24 * time.Hour), "test"},
		"a pause that ends too late":      {pause(end.Add(-soon)), end.Add(-20 * 24 * time.Hour), "second"},
		"a million failures, and no time": {store.State{Failures: 1 << 40}, end.Add(soon), "test"},
	}
	for name, test := range tests {
		if got := c.endpointFor("www", test.state, test.now).ca.Name; got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
