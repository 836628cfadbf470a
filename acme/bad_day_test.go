package acme

import (
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/internal/hint"
)

func TestTermsNotAccepted(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	cfg := h.config()
	cfg.AgreeTOS = false
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Issue(testContext(t), h.request(), IssueOptions{})
	var terms *TermsError
	if !errors.As(err, &terms) || terms.URL == "" || !strings.Contains(hint.Of(err), "--agree-tos") {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if got := h.ca.Accounts(); got != 0 {
		t.Errorf("%d accounts were made", got)
	}
	if state, _ := c.store.State("www"); state.Failures != 0 {
		t.Error("it counts as a failure to back off from")
	}
}

func TestPlainHTTPDirectoryRefused(t *testing.T) {
	for _, directory := range []string{"http://ca.example/dir", "ca.example", "", "ftp://ca.example"} {
		if _, err := New(Config{Dir: t.TempDir(), CAs: []CA{{Name: "x", Directory: directory}}}); err == nil {
			t.Errorf("%q was accepted", directory)
		}
	}
}

func TestCAUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	h := newHost(t, acmetest.Options{})
	cfg := h.config()
	cfg.CAs[0].Directory = "https://" + listener.Addr().String() + "/dir"
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Issue(testContext(t), h.request(), IssueOptions{}); err == nil || !strings.Contains(err.Error(), "reading the CA's directory") {
		t.Errorf("got %v", err)
	}
	_, err = c.Issue(testContext(t), h.request(), IssueOptions{})
	var backoff *BackoffError
	if !errors.As(err, &backoff) || time.Until(backoff.Until) < 50*time.Second {
		t.Errorf("the second try at once: %v", err)
	}
	if _, err = c.Issue(testContext(t), h.request(), IssueOptions{Attended: true}); errors.As(err, &backoff) {
		t.Errorf("somebody who waits is put off: %v", err)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found)
	}
}

// damage answers the requests that match with what f makes of the CA's answer.
func damage(match func(*http.Request) bool, f func(w http.ResponseWriter, answer *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !match(r) {
				next.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			f(w, answer)
		})
	}
}

// first matches the first request to a path, and no later one.
func first(prefix string) func(*http.Request) bool {
	var seen atomic.Bool
	return func(r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, prefix) && !seen.Swap(true)
	}
}

func always(prefix string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, prefix) }
}

// The paths of Pebble's objects.
const (
	pathOrder     = "/order-plz"
	pathFinalize  = "/finalize-order/"
	pathChallenge = "/chalZ/"
	pathAuthz     = "/authZ/"
	pathCert      = "/certZ/"
	pathAccount   = "/sign-me-up"
	pathNonce     = "/nonce-plz"
	pathMyOrder   = "/my-order/"
)

func TestAnswerLost(t *testing.T) {
	lose := func(w http.ResponseWriter, _ *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) }
	for _, path := range []string{pathNonce, pathAccount, pathOrder, pathAuthz, pathChallenge, pathFinalize, pathMyOrder, pathCert} {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			t.Parallel()
			h := newHost(t, acmetest.Options{Intercept: damage(first(path), lose)})
			if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
				t.Fatal(err)
			}
			if h.ca.Issued() != 1 || h.ca.Accounts() != 1 {
				t.Errorf("%d certificates, %d accounts", h.ca.Issued(), h.ca.Accounts())
			}
		})
	}
}

func TestCABusyForAMoment(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds": func() string { return "1" },
		"date":    func() string { return time.Now().Add(time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			busy := first(pathOrder)
			h := newHost(t, acmetest.Options{Intercept: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if busy(r) {
						w.Header().Set("Retry-After", header())
						http.Error(w, "Service busy; retry later.", http.StatusServiceUnavailable)
						return
					}
					next.ServeHTTP(w, r)
				})
			}})
			if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRateLimitOutlivesTheProcess(t *testing.T) {
	h := newHost(t, acmetest.Options{Intercept: damage(always(pathOrder), func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Retry-After", "7200")
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write([]byte(`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates \u001b[31m(5) already issued"}`))
	})})
	_, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	var backoff *BackoffError
	if !errors.As(err, &backoff) || time.Until(backoff.Until) < 119*time.Minute {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "too many certificates") {
		t.Errorf("the message: %q", err)
	}
	before := h.ca.Requests()
	_, err = h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true, Attended: true})
	if !errors.As(err, &backoff) || h.ca.Requests() != before {
		t.Errorf("the next process asked again: %v", err)
	}
}

func TestAnswerTooLarge(t *testing.T) {
	h := newHost(t, acmetest.Options{Intercept: damage(always(pathCert), func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Write(make([]byte, 10<<20))
	})})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

func TestWrongCertificateReturned(t *testing.T) {
	other := newHost(t, acmetest.Options{})
	stranger, err := other.client(t).Issue(testContext(t), other.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	strangers, err := os.ReadFile(stranger.ChainFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]func(sent []byte) []byte{
		"another's":      func([]byte) []byte { return strangers },
		"without issuer": func(sent []byte) []byte { return append(firstBlock(sent), firstBlock(strangers)...) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, acmetest.Options{Intercept: damage(always(pathCert), func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
				w.Write(answer(a.Body.Bytes()))
			})})
			c := h.client(t)
			_, err := c.Issue(testContext(t), h.request(), IssueOptions{})
			var wrong *LeafError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v", err)
			}
			if cert, err := c.store.Certificate("www"); err != nil || cert.Latest.Number != 0 || cert.State.Failures != 1 {
				t.Errorf("stored: %+v, %v", cert, err)
			}
			if _, err := os.Lstat(filepath.Join(h.dir, "live", "www")); err == nil {
				t.Error("live points at it")
			}
			if found := litter(t, filepath.Dir(h.dir)); found != nil {
				t.Errorf("litter: %q", found)
			}
		})
	}
}

func firstBlock(data []byte) []byte {
	block, _ := pem.Decode(data)
	return pem.EncodeToMemory(block)
}

func TestDownloadCutShort(t *testing.T) {
	h := newHost(t, acmetest.Options{Intercept: damage(first(pathCert), func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
		w.Write(a.Body.Bytes()[:300])
	})})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil || h.ca.Issued() != 1 {
		t.Errorf("%d certificates, %v", h.ca.Issued(), err)
	}
}

func TestWebrootNotServed(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	r := h.request()
	r.Challenge.Webroot = t.TempDir()
	_, err := h.client(t).Issue(testContext(t), r, IssueOptions{})
	var failed *ChallengeError
	if !errors.As(err, &failed) || !strings.Contains(hint.Of(err), r.Challenge.Webroot) {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if strings.Count(err.Error(), "proving control") != 2 {
		t.Errorf("not every name is explained: %v", err)
	}
	if found := litter(t, filepath.Dir(h.dir), r.Challenge.Webroot); found != nil {
		t.Errorf("litter: %q", found)
	}
}

func TestAccountLostByTheCA(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	// The same directory URL, a CA that has forgotten everything.
	fresh := newHost(t, acmetest.Options{HTTPPort: acmetest.Webroot(t, h.webroot)})
	for _, old := range []string{"account.json", "key.pem"} {
		from, err := filepath.Glob(filepath.Join(h.dir, "accounts", "*", old))
		if err != nil || len(from) != 1 {
			t.Fatal(from, err)
		}
		data, err := os.ReadFile(from[0])
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(fresh.client(t).accountOf(fresh.config().CAs[0]).dir, old)
		data = []byte(strings.ReplaceAll(string(data), strings.TrimSuffix(h.ca.Directory, "/dir"), strings.TrimSuffix(fresh.ca.Directory, "/dir")))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	r := h.request()
	if _, err := fresh.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := fresh.ca.Accounts(); got != 1 {
		t.Errorf("%d accounts", got)
	}
}

func TestExternalAccountRequired(t *testing.T) {
	h := newHost(t, acmetest.Options{EAB: map[string]string{"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err == nil || !strings.Contains(hint.Of(err), "eab_kid") {
		t.Errorf("without one: %v", err)
	}
	cfg := h.config()
	cfg.CAs[0].EAB = &EAB{KID: "kid-1", HMAC: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Attended: true}); err != nil {
		t.Error(err)
	}
}

func TestNameRefusedByPolicy(t *testing.T) {
	h := newHost(t, acmetest.Options{Blocked: []string{"example.org"}})
	_, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	if !isProblem(err, "rejectedIdentifier") {
		t.Errorf("got %v", err)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found)
	}
}
