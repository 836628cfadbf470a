package acme

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
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
			r := Request{Name: "one", Names: names, Challenge: Challenge{Type: HTTP01, Webroot: root}}
			if _, err := c.Issue(t.Context(), r, IssueOptions{}); err != nil {
				t.Fatalf("certificate %d: %v", i+1, err)
			}
			if err := c.store.Prune("one", 1, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(25 * time.Hour)
		}
		other := Request{Name: "two", Names: []string{"a.example.org", "b.example.org"}, Challenge: Challenge{Type: HTTP01, Webroot: root}}
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
