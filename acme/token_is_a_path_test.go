package acme

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
)

// A token becomes the name of a file: CVE-2026-40611 of others.
func TestTokenThatIsAPath(t *testing.T) {
	for _, bad := range []string{"../../pwn", "..", ".", "a/b", "/etc/passwd", "a.b", "", "a\x00b", strings.Repeat("a", 256)} {
		h := newHost(t, acmetest.Options{Intercept: withToken(bad)})
		ways := map[string]challenge.Way{"webroot": {Type: challenge.HTTP01, Webroot: h.webroot}, "listener": {Type: challenge.HTTP01, Listen: "127.0.0.1:0"}}
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
		w, err := challenge.New(ways["webroot"]) // also where it comes from a journal
		if err != nil {
			t.Fatal(err)
		}
		if w.Present(t.Context(), challenge.Proof{Token: bad, KeyAuth: "x"}) == nil || w.Withdraw(t.Context(), challenge.Proof{Token: bad}) == nil {
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
