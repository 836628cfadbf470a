package acme

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv/killat"
)

var testProof = proof{Way: Challenge{Type: HTTP01}, Name: "www.example.org", Token: "abc_-1", KeyAuth: "abc_-1.x"}

// A directory that a kill leaves must be one that Apache can read, or none.
func TestKilledWhileMakingTheChallengeDirectory(t *testing.T) {
	for at := 1; ; at++ {
		dir := t.TempDir()
		result, err := killat.Run(childCommand(t, killedRun{Presents: dir, Umask: 0o077}), at)
		if errors.Is(err, killat.ErrNotPermitted) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range []string{".well-known", ".well-known/acme-challenge"} {
			if info, err := os.Stat(filepath.Join(dir, made)); err == nil && info.Mode().Perm() != 0o755 {
				t.Errorf("killed before change %d, a %s: %s has mode %v", at, result.Call, made, info.Mode())
			}
		}
		w := newWebroot(dir)
		if err := errors.Join(w.present(t.Context(), testProof), w.withdraw(t.Context(), testProof)); err != nil {
			t.Errorf("killed before change %d, a %s: %v", at, result.Call, err)
		}
		for _, left := range []string{".tlskeeper*", ".well-known/.tlskeeper*", ".well-known/acme-challenge/*"} {
			if found, _ := filepath.Glob(filepath.Join(dir, left)); found != nil {
				t.Errorf("killed before change %d, a %s: left is %q", at, result.Call, found)
			}
		}
		if !result.Killed {
			if at < 8 {
				t.Errorf("only %d places", at-1)
			}
			return
		}
	}
}

// What a kill left unfinished goes with the proof, also where no other comes.
func TestUnfinishedDirectoryIsTakenAway(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, unfinished(".well-known")+"X"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := newWebroot(dir).withdraw(t.Context(), testProof); err != nil {
		t.Fatal(err)
	}
	if found, _ := os.ReadDir(dir); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

func TestChallengeDirectoryThatTheAdminClosed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("closed to whom is known of root's directories only")
	}
	dir := t.TempDir()
	closed := filepath.Join(dir, ".well-known")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	err := newWebroot(dir).present(t.Context(), testProof)
	if err == nil || !strings.Contains(err.Error(), closed+" has mode 0700") || !strings.Contains(hint.Of(err), "chmod 755 "+closed) {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if info, _ := os.Stat(closed); info.Mode().Perm() != 0o700 {
		t.Errorf("it was opened: %v", info.Mode())
	}
	if err := errors.Join(os.Chmod(closed, 0o750), newWebroot(dir).present(t.Context(), testProof)); err != nil {
		t.Errorf("closed to others than its group: %v", err)
	}
}

// Two processes may want the directories at the same time.
func TestChallengeDirectoryOfSeveral(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var all sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			all.Go(func() {
				if err := newWebroot(dir).present(t.Context(), proof{Token: name, KeyAuth: name}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if found, _ := filepath.Glob(filepath.Join(dir, ".well-known", "acme-challenge", "*")); len(found) != 4 {
			t.Errorf("found %q", found)
		}
	}
}

// A token becomes the name of a file: CVE-2026-40611 of others.
func TestTokenThatIsAPath(t *testing.T) {
	for _, bad := range []string{"../../pwn", "..", ".", "a/b", "/etc/passwd", "a.b", "", "a\x00b", strings.Repeat("a", 256)} {
		h := newHost(t, acmetest.Options{Intercept: withToken(bad)})
		ways := map[string]Challenge{"webroot": {Type: HTTP01, Webroot: h.webroot}, "listener": {Type: HTTP01, Listen: "127.0.0.1:0"}}
		for name, way := range ways {
			r := h.request()
			r.Name, r.Challenge = name, way
			_, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
			if err == nil || !strings.Contains(err.Error(), "is not base64url") {
				t.Errorf("%q by %s: %v", bad, name, err)
			}
		}
		if found, _ := os.ReadDir(h.webroot); len(found) > 0 {
			t.Errorf("%q: %v was made", bad, found)
		}
		w := newWebroot(h.webroot) // also where it comes from a journal
		if w.present(t.Context(), proof{Token: bad, KeyAuth: "x"}) == nil || w.withdraw(t.Context(), proof{Token: bad}) == nil {
			t.Errorf("%q is a file's name", bad)
		}
	}
}

// withToken makes the CA offer this token for everything.
func withToken(bad string) func(http.Handler) http.Handler {
	isAuthz := func(r *http.Request) bool { return acmetest.KindOf(r) == acmetest.Authorization }
	change := rewritten(func(authz map[string]any) {
		challenges, _ := authz["challenges"].([]any)
		for _, c := range challenges {
			c.(map[string]any)["token"] = bad
		}
	})
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAuthz(r) {
				change(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
