package acme

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/internal/hint"
)

// greedy is a host whose CA says of every order that it needs other proofs.
func greedy(t *testing.T, want func(authorizations []any) []any) (host, *acmetest.Proxy) {
	t.Helper()
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
	for _, kind := range []acmetest.Kind{acmetest.NewOrder, acmetest.Order} {
		proxy.On(kind, -1, rewritten(func(order map[string]any) {
			order["authorizations"] = want(order["authorizations"].([]any))
		}))
	}
	return h, proxy
}

// refusedWith sees that an issuance fails with these words and a hint, that no
// proof was presented, and that the order is given up.
func refusedWith(t *testing.T, h host, words string) {
	t.Helper()
	_, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Attended: true})
	if err == nil || !strings.Contains(err.Error(), words) || hint.Of(err) == "" {
		t.Errorf("got %v (hint %q), want %q", err, hint.Of(err), words)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found)
	}
}

func thousands(authorizations []any) []any {
	for i := range 5000 {
		authorizations = append(authorizations, fmt.Sprintf("%s-%d", authorizations[0], i))
	}
	return authorizations
}

// Not one of them is fetched, no file is written, and also a rehearsal, which
// has authorizations forgotten, asks for none.
func TestMoreAuthorizationsThanNames(t *testing.T) {
	h, proxy := greedy(t, thousands)
	refusedWith(t, h, "5002 proofs")
	c, done, err := Rehearse(h.config())
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if _, err := c.Try(testContext(t), h.request()); err == nil {
		t.Error("the rehearsal succeeds")
	}
	if got := proxy.Seen(acmetest.Authorization); got > 0 {
		t.Errorf("%d authorizations were asked for", got)
	}
}

func TestOneAuthorizationTwice(t *testing.T) {
	h, proxy := greedy(t, func(authorizations []any) []any { return []any{authorizations[0], authorizations[0]} })
	refusedWith(t, h, "twice")
	if got := proxy.Seen(acmetest.Challenge); got > 0 {
		t.Errorf("%d validations were asked for", got)
	}
}

func TestTwoAuthorizationsOfOneName(t *testing.T) {
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
	proxy.On(acmetest.Authorization, -1, rewritten(func(authz map[string]any) {
		authz["identifier"] = map[string]any{"type": "dns", "value": "www.example.org"}
	}))
	refusedWith(t, h, "twice")
}

// Only one of them is used.
func TestThousandsOfChallenges(t *testing.T) {
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
	proxy.On(acmetest.Authorization, -1, rewritten(func(authz map[string]any) {
		all := authz["challenges"].([]any)
		for i := range 4000 {
			all = append(all, map[string]any{"type": challenge.HTTP01, "status": "pending", "token": fmt.Sprint("t", i), "url": fmt.Sprint(h.ca.Directory, i)})
		}
		authz["challenges"] = all
	}))
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := proxy.Seen(acmetest.Challenge); got != 2 {
		t.Errorf("%d validations for two names", got)
	}
}

func TestThousandsOfAlternateChains(t *testing.T) {
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: proxy.Intercept})
	proxy.On(acmetest.Certificate, -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		link := fmt.Sprintf(`<https://%s%s>;rel="alternate"`, r.Host, r.URL.Path)
		for range 200 {
			w.Header().Add("Link", link+", "+link)
		}
		next.ServeHTTP(w, r)
	})
	r := h.request()
	r.PreferredChain = "a root that is not there"
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := proxy.Seen(acmetest.Certificate); got > 20 {
		t.Errorf("%d chains were asked for", got)
	}
}

// A certificate is ordered once, and its chain asked for again.
func TestChainOfTooManyCertificates(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true, ChainLength: 12})
	_, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	if err == nil || !strings.Contains(err.Error(), "chain of 13") || hint.Of(err) == "" {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if numbers, _ := h.client(t).store.Numbers("www"); len(numbers) > 0 {
		t.Errorf("stored: %v", numbers)
	}
}

// stays answers as the CA does, but with another status, and "ask again now".
func stays(status string) acmetest.Fault {
	change := rewritten(func(object map[string]any) {
		object["status"] = status
		delete(object, "certificate")
	})
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		change(answer, r, next)
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	}
}

// However often it says that it may be asked again now.
func TestCAThatNeverFinishes(t *testing.T) {
	for name, c := range map[string]struct {
		kind   acmetest.Kind
		status string
		most   int
	}{
		"an order in processing":   {acmetest.Order, "processing", 250},
		"an order that is pending": {acmetest.Order, "pending", 250},
		"an authorization":         {acmetest.Authorization, "pending", 2 * 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, proxy := proxied(t, acmetest.Options{})
				proxy.On(c.kind, -1, stays(c.status))
				_, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
				if _, ok := errors.AsType[*BackoffError](err); !ok {
					t.Errorf("got %v", err)
				}
				if got := proxy.Seen(c.kind); got > c.most {
					t.Errorf("it was asked %d times", got)
				}
				if got := proxy.Seen(acmetest.Authorization); got > 2*100 {
					t.Errorf("%d authorizations were read", got)
				}
			})
		})
	}
}

// Each refusal takes most of the time that a request may take.
func TestNoncesRefusedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, proxy := proxied(t, acmetest.Options{})
		proxy.On(acmetest.NewOrder, -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			time.Sleep(requestTimeout - time.Second)
			acmetest.Refuse(http.StatusBadRequest, "badNonce", "no")(w, r, next)
		})
		start := time.Now()
		_, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
		if took := time.Since(start); err == nil || took > 6*time.Minute { // of the bubble's clock
			t.Errorf("%v: %v", took, err)
		}
	})
}

func TestMegabytesOfHeaders(t *testing.T) {
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
	proxy.On(acmetest.NewOrder, -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("X-Long", strings.Repeat("a", 2<<20))
		next.ServeHTTP(w, r)
	})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err == nil || !strings.Contains(err.Error(), "placing the order") {
		t.Errorf("got %v", err)
	}
}

// What a CA says at length is kept neither in the state nor in a message.
func TestLongAnswersAreNotKept(t *testing.T) {
	long := strings.Repeat("x", 900_000)
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: proxy.Intercept})
	proxy.On(acmetest.RenewalInfo, -1, rewritten(func(ari map[string]any) { ari["explanationURL"] = "https://" + long }))
	c := h.client(t)
	g, err := c.Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ari, err := c.RenewalInfo(testContext(t), g)
	if err != nil || ari == nil || len(ari.ExplanationURL) > longMessage {
		t.Errorf("kept: %.100v, %v", ari, err)
	}
	if err := (&LeafError{errors.New(long)}); len(err.Error()) > longMessage+100 {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}

// longMessage is what a message may have, in bytes, as term.Bound has it.
const longMessage = 2000

func TestThousandsOfProfiles(t *testing.T) {
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
	proxy.On(acmetest.Directory, -1, acmetest.Changed(func(body []byte) []byte {
		var directory map[string]any
		json.Unmarshal(body, &directory)
		profiles := map[string]string{}
		for i := range 20000 {
			profiles[fmt.Sprint("profile-", i)] = "x"
		}
		directory["meta"].(map[string]any)["profiles"] = profiles
		data, _ := json.Marshal(directory)
		return data
	}))
	r := h.request()
	r.Profile, r.NeedsProfile = "classic", true
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err == nil || len(err.Error()) > longMessage+100 {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}
