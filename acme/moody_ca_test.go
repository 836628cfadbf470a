package acme

import (
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
)

// mood is a way in which a CA may behave within the RFC.
type mood struct {
	ca           acmetest.Options
	short, long  int // issuances in the two forms of the test
	sameNames    bool
	profile      string
	preferred    string // the issuer of the last of the chain
	wantPerChain int    // certificates in the chain; 0 is two
}

// eabKey is any HMAC key.
const eabKey = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"

// TestMoodsOfTheCA issues one certificate after the other, unattended: each
// has to come from the first call, and to cost the CA one signature. At 90 %
// refused nonces lego's own retries fulfil one order in twenty.
func TestMoodsOfTheCA(t *testing.T) {
	moods := map[string]mood{
		"half of the nonces refused":   {ca: acmetest.Options{NonceReject: 50, AuthzReuse: 50}, short: 200, long: 200},
		"nine of ten nonces refused":   {ca: acmetest.Options{NonceReject: 90}, short: 10, long: 40},
		"no authorization used again":  {ca: acmetest.Options{AuthzReuse: 0}, sameNames: true, short: 3, long: 50},
		"half of them used again":      {ca: acmetest.Options{AuthzReuse: 50}, sameNames: true, short: 5, long: 50},
		"every authorization again":    {ca: acmetest.Options{AuthzReuse: 100}, sameNames: true, short: 3, long: 50},
		"strict":                       {ca: acmetest.Options{Strict: true}, short: 3, long: 50},
		"three intermediates":          {ca: acmetest.Options{ChainLength: 3, AlternateRoots: 2}, wantPerChain: 4, short: 2, long: 10},
		"three, of the last alternate": {ca: acmetest.Options{ChainLength: 3, AlternateRoots: 2}, preferred: "alternate", wantPerChain: 4, short: 2, long: 10},
		"external account required":    {ca: acmetest.Options{EAB: map[string]string{"kid-1": eabKey}}, short: 2, long: 10},
		"asks to wait a second":        {ca: acmetest.Options{RetryAfter: 1}, short: 1, long: 5},
		"a profile": {ca: acmetest.Options{Profiles: map[string]string{"classic": "as ever", "shortlived": "a week"}, Validity: 160 * time.Hour},
			profile: "shortlived", short: 2, long: 10},
	}
	for name, m := range moods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m.issue(t)
		})
	}
}

func (m mood) issue(t *testing.T) {
	h := newHost(t, m.ca)
	cfg := h.config()
	if m.ca.EAB != nil {
		cfg.CAs[0].EAB = &EAB{KID: "kid-1", HMAC: eabKey}
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if m.preferred != "" {
		roots := h.ca.IssuingRoots()
		m.preferred = roots[len(roots)-1].Subject.CommonName
	}
	count := m.short
	if soak() {
		count = m.long
	}
	for i := range count {
		r := h.victim(i)
		if m.sameNames {
			r = h.request()
		}
		r.Profile, r.PreferredChain = m.profile, m.preferred
		g, err := c.Issue(testContext(t), r, IssueOptions{Force: m.sameNames})
		if err != nil {
			t.Fatalf("issuance %d of %d: %v", i+1, count, err)
		}
		m.check(t, g)
	}
	if got := h.ca.Issued(); got != count || h.ca.Accounts() != 1 {
		t.Errorf("%d certificates and %d accounts for %d requests", got, h.ca.Accounts(), count)
	}
}

func (m mood) check(t *testing.T, g store.Generation) {
	t.Helper()
	if want := max(2, m.wantPerChain); len(g.Chain) != want {
		t.Errorf("%d certificates in the chain, want %d", len(g.Chain), want)
	}
	if top := g.Chain[len(g.Chain)-1].Issuer.CommonName; m.preferred != "" && top != m.preferred {
		t.Errorf("the chain ends under %q, want %q", top, m.preferred)
	}
	if lasts := g.Leaf.NotAfter.Sub(g.Leaf.NotBefore); m.ca.Validity > 0 && (lasts > m.ca.Validity || g.Meta.Profile != m.profile) {
		t.Errorf("it lasts %v, profile %q", lasts, g.Meta.Profile)
	}
}
