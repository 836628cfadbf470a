package acme

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
)

// A loop that issues once a day stays below the guard of a day, and would use
// up the CA's five certificates in a week. Pruning must not hide it.
func TestFourthCertificateWithinAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca, err := acmetest.InMemory(acmetest.Options{AlwaysValid: true})
		if err != nil {
			t.Fatal(err)
		}
		defer ca.Close()
		root := t.TempDir()
		c, err := New(Config{Dir: root, AgreeTOS: true, Transport: ca.Transport(), CAs: []CA{{Name: "test", Directory: ca.Directory}}})
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"b.example.org", "a.example.org"}
		for i := range 3 {
			r := Request{Name: "one", Names: names, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root}}
			if _, err := c.Issue(t.Context(), r, IssueOptions{}); err != nil {
				t.Fatalf("certificate %d: %v", i+1, err)
			}
			if err := c.store.Prune("one", 1, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(25 * time.Hour)
		}
		other := Request{Name: "two", Names: []string{"a.example.org", "b.example.org"}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root}}
		_, err = c.Issue(t.Context(), other, IssueOptions{})
		var guard *GuardError
		if !errors.As(err, &guard) || guard.Count != 3 {
			t.Fatalf("the fourth: %v", err)
		}
		if _, err := c.Issue(t.Context(), other, IssueOptions{Urgent: true}); err != nil {
			t.Errorf("an urgent one: %v", err)
		}
		time.Sleep(8 * 24 * time.Hour)
		if _, err := c.Issue(t.Context(), other, IssueOptions{}); err != nil {
			t.Errorf("a week later: %v", err)
		}
		if got := ca.Issued(); got != 5 {
			t.Errorf("%d certificates", got)
		}
	})
}

// Deleting a certificate is no way round the guard; its revocation is.
func TestGuardRemembersTheDeleted(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	c := h.client(t)
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	other := h.request()
	other.Name = "other"
	for try := range 3 { // the history outlives further deletions, and tries count for nothing
		name := []string{"www", "other", "other"}[try]
		if _, err := c.store.Certificate(name); err == nil {
			c.store.Delete(name)
		}
		_, err := c.Issue(testContext(t), other, IssueOptions{Attended: true})
		var guard *GuardError
		if !errors.As(err, &guard) || guard.Count != 1 {
			t.Errorf("try %d: %v", try, err)
		}
	}
	if _, err := store.Open(h.dir).Certificate("www"); err != nil {
		t.Error(err)
	}
	if list, err := c.store.List(); err != nil || len(list) > 0 {
		t.Errorf("in the store: %v, %v", list, err)
	}
	g, err := c.Issue(testContext(t), other, IssueOptions{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Revoke(testContext(t), g, 0); err != nil {
		t.Fatal(err)
	}
	if err := c.store.Delete("other"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Issue(testContext(t), other, IssueOptions{})
	var guard *GuardError
	if !errors.As(err, &guard) || guard.Count != 1 {
		t.Errorf("a revoked one counts, or hides the others: %v", err)
	}
}

// A kill between writing the history and taking the certificate away.
func TestGuardCountsOnce(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	c := h.client(t)
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	certs, copied := filepath.Join(h.dir, "certs"), t.TempDir()
	for range 2 {
		if err := os.CopyFS(copied, os.DirFS(certs)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.store.Delete("www"), os.CopyFS(certs, os.DirFS(copied)), os.RemoveAll(copied)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Issue(testContext(t), h.request(), IssueOptions{})
	var guard *GuardError
	if !errors.As(err, &guard) || guard.Count != 1 {
		t.Errorf("got %v", err)
	}
}
