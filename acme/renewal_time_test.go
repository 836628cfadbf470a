package acme

import (
	"crypto"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/schedule"
	"tlskeeper/internal/leaf"
)

func TestRenewalInformation(t *testing.T) {
	h := newHost(t, acmetest.Options{Validity: 90 * day})
	c := h.client(t)
	g, err := c.Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ari, err := c.RenewalInfo(testContext(t), g)
	if err != nil || ari == nil {
		t.Fatal(ari, err)
	}
	if d := schedule.Due(g.Leaf, time.Now(), ari); d.Due || d.Reason != "ari" {
		t.Errorf("%+v", d)
	}
	before := h.ca.Requests()
	again, err := h.client(t).RenewalInfo(testContext(t), g)
	if err != nil || !again.Chosen.Equal(ari.Chosen) || h.ca.Requests() != before {
		t.Errorf("asked again before Retry-After: %+v, %v", again, err)
	}
}

func TestMalformedRenewalInformation(t *testing.T) {
	for _, answer := range []string{"", "{", "[]", `{"suggestedWindow":{}}`, `{"suggestedWindow":{"start":"x"}}`,
		`{"suggestedWindow":{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}}`} {
		h := newHost(t, acmetest.Options{})
		c := h.client(t)
		g, err := c.Issue(testContext(t), h.request(), IssueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if answer != "" {
			if err := h.ca.SetRenewalInfo(g.Leaf, answer); err != nil {
				t.Fatal(err)
			}
		}
		ari, _ := c.RenewalInfo(testContext(t), g)
		if d := schedule.Due(g.Leaf, time.Now(), ari); d.Due || answer != "" && d.Reason != "lifetime" {
			t.Errorf("%q: %+v", answer, d)
		}
	}
}

func TestGuardAgainstALoop(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	c := h.client(t)
	g, err := c.Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var guard *GuardError
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); !errors.As(err, &guard) {
		t.Errorf("a second one at once: %v", err)
	}
	swapped := h.request()
	swapped.Name = "same-names"
	slices.Reverse(swapped.Names)
	if _, err := c.Issue(testContext(t), swapped, IssueOptions{}); !errors.As(err, &guard) {
		t.Errorf("the same names under another name: %v", err)
	}
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Urgent: true, Replaces: schedule.CertID(g.Leaf)}); err != nil {
		t.Errorf("before a mass revocation: %v", err)
	}
	if got := h.ca.Issued(); got != 2 {
		t.Errorf("%d certificates", got)
	}
}

func TestReplacesConsumedAlready(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	c := h.client(t)
	g, err := c.Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	replace := IssueOptions{Force: true, Replaces: schedule.CertID(g.Leaf)}
	if _, err := c.Issue(testContext(t), h.request(), replace); err != nil {
		t.Fatal(err)
	}
	// As after a kill between the CA's issuing and our storing: the store still
	// has the first one as its latest.
	if err := os.RemoveAll(filepath.Join(h.dir, "certs", "www", "gen", "000002")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Issue(testContext(t), h.request(), replace); err != nil {
		t.Errorf("a refused replacement: %v", err)
	}
}

func TestKeyAfterRevocation(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	c, r := h.client(t), h.request()
	r.ReuseKey = true
	g, err := c.Issue(testContext(t), r, IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same, err := c.Issue(testContext(t), r, IssueOptions{Force: true})
	if err != nil || !same.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(g.Leaf.PublicKey) {
		t.Fatalf("reuse_key made another key: %v", err)
	}
	for range 2 { // the second finds it revoked
		if err := c.Revoke(testContext(t), same, Reasons["keyCompromise"]); err != nil {
			t.Fatal(err)
		}
	}
	if !h.ca.Revoked(same.Leaf) {
		t.Error("the CA does not know")
	}
	fresh, err := c.Issue(testContext(t), r, IssueOptions{})
	if err != nil {
		t.Fatalf("after a revocation the guard must not hinder: %v", err)
	}
	if leaf.Fingerprint(fresh.Leaf) == leaf.Fingerprint(same.Leaf) || fresh.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(same.Leaf.PublicKey) {
		t.Error("the revoked key was used again")
	}
}

func TestPruneSparesWhatIsNamed(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	c := h.client(t)
	for range 5 {
		if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.store.MarkDeployed("www", 2, time.Now()); err != nil {
		t.Fatal(err)
	}
	named := func(dir string) bool { return filepath.Base(dir) == "000001" }
	if err := c.store.Prune("www", 2, named); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.store.Numbers("www"); !slices.Equal(got, []int{1, 2, 4, 5}) {
		t.Errorf("left: %v", got)
	}
	if _, err := c.store.Generation("www", 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("generation 3: %v", err)
	}
}
