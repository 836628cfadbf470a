package acme

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv/killat"
)

// Whatever a kill cut off of a deactivation: the next run ends it, the timer
// makes no other account, and who asks for a certificate gets one.
func TestKilledWhileDeactivating(t *testing.T) {
	for at := 1; ; at++ {
		h := newHost(t, acmetest.Options{AlwaysValid: true})
		if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
			t.Fatal(err)
		}
		result, err := killat.Run(childCommand(t, killedRun{Config: h.config(), Deactivates: true}), at)
		if errors.Is(err, killat.ErrNotPermitted) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, unattended := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Urgent: true})
		began := at > 5 // the record of the intention is one file: create, write, chmod, fsync, rename
		if isEnded(unattended) != began || !began && unattended != nil || h.ca.Accounts() != 1 {
			t.Errorf("killed before change %d, a %s: unattended %v (hint %q), %d accounts",
				at, result.Call, unattended, hint.Of(unattended), h.ca.Accounts())
		}
		_, attended := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true, Attended: true})
		if attended != nil || began && h.ca.Accounts() != 2 {
			t.Errorf("killed before change %d, a %s: attended %v, %d accounts", at, result.Call, attended, h.ca.Accounts())
		}
		if !result.Killed {
			if at < 8 {
				t.Errorf("only %d places", at-1)
			}
			return
		}
	}
}

// isEnded tells an answer that says what happened and what to type.
func isEnded(err error) bool {
	return err != nil && strings.Contains(err.Error(), "was deactivated on ") && strings.Contains(hint.Of(err), "tlskeeper issue")
}

func TestAccountDeactivatedElsewhere(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	other := h
	other.dir = filepath.Join(t.TempDir(), "acme")
	if err := copyAccounts(filepath.Join(h.dir, "accounts"), filepath.Join(other.dir, "accounts")); err != nil {
		t.Fatal(err)
	}
	if err := other.client(t).Deactivate(testContext(t), h.ca.Directory); err != nil {
		t.Fatal(err)
	}
	_, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true})
	if err == nil || !strings.Contains(err.Error(), "has ended the account") || !strings.Contains(hint.Of(err), "`tlskeeper account deactivate test`") {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if err := h.client(t).Deactivate(testContext(t), h.ca.Directory); err != nil {
		t.Fatal(err)
	}
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true, Attended: true}); err != nil {
		t.Error(err)
	}
}

// A CA that refuses has not ended the account, and it stays in use.
func TestDeactivationRefused(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/my-account/") {
				acmetest.Refuse(http.StatusBadRequest, "malformed", "not today")(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, filepath.Join(h.dir, "accounts"))
	if err := h.client(t).Deactivate(testContext(t), h.ca.Directory); err == nil {
		t.Fatal("no error")
	}
	if snapshot(t, filepath.Join(h.dir, "accounts")) != before {
		t.Error("the account is not as it was")
	}
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true}); err != nil {
		t.Error(err)
	}
}
