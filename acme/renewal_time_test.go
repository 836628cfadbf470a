package acme

import (
	"crypto"
	"crypto/x509"
	"errors"
	"io/fs"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/internal/leaf"
)

func lasting(d time.Duration, serial int64) *x509.Certificate {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &x509.Certificate{NotBefore: start, NotAfter: start.Add(d), SerialNumber: big.NewInt(serial), AuthorityKeyId: []byte{1}}
}

const day = 24 * time.Hour

func TestDueWithoutAWindow(t *testing.T) {
	for _, lifetime := range []time.Duration{90 * day, 64 * day, 45 * day, 160 * time.Hour, time.Hour} {
		cert := lasting(lifetime, 7)
		d := Due(cert, cert.NotBefore, nil)
		left := cert.NotAfter.Sub(d.At)
		want := lifetime / 3
		if lifetime < shortLifetime {
			want = lifetime / 2
		}
		if d.Due || left < want || left > want+lifetime/50 {
			t.Errorf("%v: renewed with %v left, want %v", lifetime, left, want)
		}
		if again := Due(cert, cert.NotBefore, nil); again != d {
			t.Errorf("%v: a second call decides otherwise", lifetime)
		}
		if !Due(cert, d.At, nil).Due || Due(cert, d.At.Add(-1), nil).Due {
			t.Errorf("%v: not due exactly at its time", lifetime)
		}
	}
}

func TestDueByWindow(t *testing.T) {
	cert := lasting(90*day, 9)
	at := func(days int) time.Time { return cert.NotBefore.Add(time.Duration(days) * day) }
	ari := func(days int) *ARI { return &ARI{CertID: CertID(cert), Chosen: at(days)} }
	tests := map[string]struct {
		ari  *ARI
		want time.Time
	}{
		"in the window":             {ari(61), at(61)},
		"moved into the past":       {ari(-1), at(-1)},
		"after the expiry":          {ari(200), at(75)},
		"of a former certificate":   {&ARI{CertID: "x.y", Chosen: at(1)}, Due(cert, at(0), nil).At},
		"without a chosen moment":   {&ARI{CertID: CertID(cert)}, Due(cert, at(0), nil).At},
		"no information whatsoever": {nil, Due(cert, at(0), nil).At},
	}
	for name, test := range tests {
		if got := Due(cert, at(0), test.ari); !got.At.Equal(test.want) {
			t.Errorf("%s: %v, want %v", name, got.At, test.want)
		}
	}
}

func TestWindowKeepsItsChoice(t *testing.T) {
	now := time.Now()
	var answer renewalAnswer
	answer.Window.Start, answer.Window.End = now.Add(30*day), now.Add(32*day)
	first := (*ARI)(nil).update("a.b", answer, now)
	if first.Chosen.Before(answer.Window.Start) || !first.Chosen.Before(answer.Window.End) {
		t.Fatalf("chose %v outside of the window", first.Chosen)
	}
	for range 20 {
		if again := first.update("a.b", answer, now); !again.Chosen.Equal(first.Chosen) || again.Moved {
			t.Fatal("the choice was made again")
		}
	}
	if kept := first.update("a.b", renewalAnswer{}, now); !kept.Chosen.Equal(first.Chosen) || !kept.NextPoll.Equal(now.Add(defaultPoll)) {
		t.Error("a failed question changed the choice, or is repeated too soon")
	}
	answer.Window.Start, answer.Window.End = now.Add(-2*time.Hour), now.Add(-time.Hour)
	if moved := first.update("a.b", answer, now); !moved.Moved || moved.Chosen.After(now) {
		t.Errorf("a revocation's window: %+v", moved)
	}
	backwards := answer
	backwards.Window.End = backwards.Window.Start
	if kept := first.update("a.b", backwards, now); !kept.Chosen.Equal(first.Chosen) {
		t.Error("a window without length was used")
	}
}

// TestBackoffOfAThousandFailures is mod_md's CVE-2025-55753: the pause became
// zero after 30 days.
func TestBackoffOfAThousandFailures(t *testing.T) {
	for _, remaining := range []time.Duration{math.MinInt64, -day, 0, time.Second, day, 90 * day, math.MaxInt64} {
		for _, failures := range []int{math.MinInt, -1, 0, 1, 2, 3, 4, 5, 63, 64, 65, 1000, math.MaxInt} {
			if got := Backoff(failures, remaining); got < time.Minute || got > maxBackoff*11/10 {
				t.Errorf("after %d failures with %v left: %v", failures, remaining, got)
			}
		}
	}
	if got := Backoff(4, 8*time.Hour); got < 100*time.Minute || got > 2*time.Hour {
		t.Errorf("with eight hours left: %v", got)
	}
}

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
	if d := Due(g.Leaf, time.Now(), ari); d.Due || d.Reason != "ari" {
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
		if d := Due(g.Leaf, time.Now(), ari); d.Due || answer != "" && d.Reason != "lifetime" {
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
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Urgent: true, Replaces: CertID(g.Leaf)}); err != nil {
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
	replace := IssueOptions{Force: true, Replaces: CertID(g.Leaf)}
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
	if got, _ := c.store.numbers("www"); !slices.Equal(got, []int{1, 2, 4, 5}) {
		t.Errorf("left: %v", got)
	}
	if _, err := c.store.Generation("www", 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("generation 3: %v", err)
	}
}
