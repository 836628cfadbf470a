package acme

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
)

func TestProfileThatTheCADropped(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true, Profiles: map[string]string{"classic": "old", "shortlived": "new"}})
	r := h.request()
	r.Profile = "shortlived"
	g, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
	if err != nil || g.Meta.Profile != "shortlived" {
		t.Fatalf("profile %q, %v", g.Meta.Profile, err)
	}
	r.Profile, r.NeedsProfile = "tlsclient", true
	_, err = h.client(t).Issue(testContext(t), r, IssueOptions{Force: true})
	if err == nil || !strings.Contains(err.Error(), `no profile "tlsclient" (it has ["classic" "shortlived"])`) {
		t.Errorf("a mandatory one: %v", err)
	}
	r.NeedsProfile = false
	if g, err = h.client(t).Issue(testContext(t), r, IssueOptions{Force: true}); err != nil || g.Meta.Profile != "" {
		t.Errorf("a preferred one: profile %q, %v", g.Meta.Profile, err)
	}
}

func TestMoreThanTheProfileAllows(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true, Profiles: map[string]string{"shortlived": "six days"}})
	cfg := h.config()
	cfg.CAs[0].Limits = letsencryptLimits
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var hundred []string
	for i := range 101 {
		hundred = append(hundred, fmt.Sprintf("n%d.example.org", i))
	}
	address := []string{"www.example.org", "192.0.2.1"}
	tests := map[string]struct {
		profile  string
		required bool
		names    []string
		hint     string
	}{
		"101 names":               {"", false, hundred, ""},
		"26 names":                {"tlsserver", true, hundred[:26], ""},
		"an address":              {"", false, address, `profile = "shortlived"`},
		"an address, classic":     {"classic", true, address, `profile = "shortlived"`},
		"an address, not on sale": {"someday", false, address, `profile = "shortlived"`},
	}
	for name, test := range tests {
		r := Request{Name: "many", Names: test.names, Profile: test.profile, NeedsProfile: test.required,
			Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
		_, err := c.Issue(testContext(t), r, IssueOptions{Attended: true})
		_, limit := errors.AsType[*LimitError](err)
		_, bad := errors.AsType[*dnsname.Error](err)
		if !limit && !bad || !strings.Contains(hint.Of(err), test.hint) {
			t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
		}
	}
	if got := h.ca.Orders(); got != 0 {
		t.Errorf("%d orders", got)
	}
	// One family at a time: Pebble 2.10.1 sorts the order's addresses and the
	// CSR's in different ways when both are there.
	for name, address := range map[string]string{"v4": "192.0.2.1", "v6": "2001:db8::1"} {
		r := Request{Name: name, Names: []string{address, "bücher.example"}, Profile: "shortlived", NeedsProfile: true,
			Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
		g, err := c.Issue(testContext(t), r, IssueOptions{Attended: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(leaf.Names(g.Leaf), " "); got != address+" xn--bcher-kva.example" {
			t.Errorf("names: %s", got)
		}
	}
}

// A chain to one root can pass through a certificate that another root has
// issued: the end of the chain counts first.
func TestPreferredChainEndsOrPasses(t *testing.T) {
	h := newHost(t, acmetest.Options{AlternateRoots: 1, ChainLength: 3, AlwaysValid: true})
	g, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	intermediate := g.Chain[0].Issuer.CommonName
	other := h.ca.IssuingRoots()[1].Subject.CommonName
	for preferred, root := range map[string]string{
		intermediate:           h.ca.IssuingRoots()[0].Subject.CommonName, // in both chains: the CA's first
		other:                  other,
		strings.ToUpper(other): other,
	} {
		r := h.request()
		r.PreferredChain = preferred
		g, err := h.client(t).Issue(testContext(t), r, IssueOptions{Force: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Chain[len(g.Chain)-1].Issuer.CommonName; got != root || len(g.Chain) != 4 {
			t.Errorf("%q: a chain of %d under %q", preferred, len(g.Chain), got)
		}
	}
}
