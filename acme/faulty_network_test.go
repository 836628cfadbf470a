package acme

import (
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
)

// proxied is a host whose CA is behind a proxy that does faults. The CA is in
// memory: the test must run in a bubble.
func proxied(t *testing.T, o acmetest.Options) (host, *acmetest.Proxy) {
	t.Helper()
	proxy := new(acmetest.Proxy)
	o.Intercept = proxy.Intercept
	return inMemory(t, o), proxy
}

func inMemory(t *testing.T, o acmetest.Options) host {
	t.Helper()
	ca, err := acmetest.InMemory(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ca.Close() })
	root := t.TempDir()
	return host{ca: ca, dir: filepath.Join(root, "acme"), webroot: root, transport: ca.Transport()}
}

// checkIssuedOnce is what every accident has to end in.
func checkIssuedOnce(t *testing.T, h host, g store.Generation) {
	t.Helper()
	if got := h.ca.Issued(); got != 1 || g.Number != 1 {
		t.Errorf("the CA issued %d certificates, and we have generation %d", got, g.Number)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found)
	}
	checkModes(t, g)
	checkServed(t, h, g)
}

// TestConnectionBreaksAtEveryRequest is over real connections.
func TestConnectionBreaksAtEveryRequest(t *testing.T) {
	faults := map[string]acmetest.Fault{
		"before": acmetest.ResetBefore, "after": acmetest.ResetAfter,
		"truncated": acmetest.Truncated, "10 MB": acmetest.Huge(10 << 20),
	}
	for _, kind := range acmetest.Kinds {
		for name, fault := range faults {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				t.Parallel()
				proxy := new(acmetest.Proxy)
				h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
				proxy.On(kind, 1, fault)
				g, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if got := proxy.Seen(kind); got < 2 {
					t.Errorf("%d requests: the fault did not happen, or was not met by another try", got)
				}
				checkIssuedOnce(t, h, g)
			})
		}
	}
}

// TestConnectionBreaksForAWholeRun is the same for as long as the first run
// tries: the second goes on with its order.
func TestConnectionBreaksForAWholeRun(t *testing.T) {
	faults := map[string]acmetest.Fault{
		"before": acmetest.ResetBefore, "after": acmetest.ResetAfter,
		"truncated": acmetest.Truncated, "10 MB": acmetest.Huge(10 << 20),
		"forbidden by a proxy": acmetest.Busy(http.StatusForbidden, nil),
	}
	for _, kind := range acmetest.Kinds {
		for name, fault := range faults {
			if kind == acmetest.NewNonce && name == "10 MB" {
				continue // an answer without a body
			}
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h, proxy := proxied(t, acmetest.Options{})
					proxy.On(kind, -1, fault)
					if _, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{}); err == nil {
						t.Fatal("no error")
					}
					proxy.Heal()
					time.Sleep(10 * time.Minute)
					g, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
					if err != nil {
						t.Fatal(err)
					}
					checkIssuedOnce(t, h, g)
				})
			})
		}
	}
}

// TestFieldsOfTheFuture puts unknown fields and challenge types into every
// answer.
func TestFieldsOfTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, proxy := proxied(t, acmetest.Options{})
		for _, kind := range append(acmetest.Kinds, acmetest.RenewalInfo) {
			proxy.On(kind, -1, acmetest.Unknown)
		}
		c := h.client(t)
		g, err := c.Issue(t.Context(), h.request(), IssueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		checkIssuedOnce(t, h, g)
		if ari, err := c.RenewalInfo(t.Context(), g); err != nil || ari == nil {
			t.Errorf("renewal information: %v, %v", ari, err)
		}
	})
}

// TestPauseAskedForAtEveryRequest (Pebble calls a paid order invalid an hour
// after its validation, so the long pause is shorter than that): a short pause is sat out, a long one ends
// the run and is kept by the next, and nothing is sent before its end.
func TestPauseAskedForAtEveryRequest(t *testing.T) {
	forms := map[string]func(time.Duration) string{"seconds": acmetest.Seconds, "date": acmetest.Date}
	for _, kind := range acmetest.Kinds {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			for name, form := range forms {
				t.Run(string(kind)+" "+http.StatusText(status)+" "+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { pauseKept(t, kind, status, form, 20*time.Second) })
					synctest.Test(t, func(t *testing.T) { pauseKept(t, kind, status, form, 45*time.Minute) })
				})
			}
		}
	}
}

func pauseKept(t *testing.T, kind acmetest.Kind, status int, form func(time.Duration) string, pause time.Duration) {
	watch := pauseWatch{status: status}
	proxy := new(acmetest.Proxy)
	h := inMemory(t, acmetest.Options{Intercept: func(next http.Handler) http.Handler { return watch.count(proxy.Intercept(next)) }})
	proxy.On(kind, 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		acmetest.Busy(status, func() string { return watch.begin(r, pause, form) })(w, r, next)
	})
	g, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
	for range 24 {
		var wait *BackoffError
		if err == nil {
			break
		}
		if !errors.As(err, &wait) || wait.Until.Before(watch.end) {
			t.Fatalf("%v: got %v", pause, err)
		}
		time.Sleep(10 * time.Minute)
		g, err = h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
	}
	if err != nil || watch.end.IsZero() {
		t.Fatalf("%v: %v", pause, err)
	}
	if watch.early > 0 {
		t.Errorf("%v: %d requests came before the end of the pause", pause, watch.early)
	}
	checkIssuedOnce(t, h, g)
}

// pauseWatch counts the requests in a pause that was asked for: all of them
// after a 503, those to the same URL after a 429. What was on its way already
// is not counted.
type pauseWatch struct {
	status int

	mu         sync.Mutex
	url        string
	start, end time.Time
	early      int
}

func (p *pauseWatch) begin(r *http.Request, pause time.Duration, form func(time.Duration) string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.url, p.start, p.end = r.URL.Path, time.Now(), time.Now().Add(pause)
	return form(pause)
}

func (p *pauseWatch) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		now := time.Now()
		again := r.URL.Path == p.url && !now.Before(p.start)
		other := p.status == http.StatusServiceUnavailable && now.After(p.start)
		if now.Before(p.end) && (again || other) {
			p.early++
		}
		p.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}
