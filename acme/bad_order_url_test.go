package acme

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
)

// misplaced is a host whose CA says once that a new order is at another place.
func misplaced(t *testing.T, place string) host {
	t.Helper()
	return newHost(t, acmetest.Options{Intercept: damage(first(pathOrder), func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
		w.Header().Set("Location", place)
		w.WriteHeader(a.Code)
		w.Write(a.Body.Bytes())
	})})
}

// A place that can never be asked is not noted: the next run orders anew.
func TestOrderAtNoHTTPSAddress(t *testing.T) {
	for _, place := range []string{"http://127.0.0.1:39555/order/1", "/order/1", "file:///etc/passwd", "https://", "https:///x"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			h := misplaced(t, place)
			c := h.client(t)
			if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err == nil || !strings.Contains(err.Error(), "placing the order") {
				t.Fatalf("got %v", err)
			}
			if j, err := openJournal(c.store, "www"); err != nil || j == nil || j.OrderURL != "" {
				t.Errorf("journal %+v, %v", j, err)
			}
			g, err := c.Issue(testContext(t), h.request(), IssueOptions{Attended: true})
			if err != nil {
				t.Fatal(err)
			}
			checkIssuedOnce(t, h, g)
		})
	}
}

// An order at a host that is dead: kept for some days, because the fault may
// be ours; not for ever, and not where somebody says --force.
func TestOrderThatNobodyAnswersFor(t *testing.T) {
	for name, c := range map[string]struct {
		age     time.Duration
		expires string
		force   bool
		issued  bool
	}{
		"young":            {},
		"a day":            {age: 24 * time.Hour},
		"begun in May":     {age: 170 * 24 * time.Hour, issued: true},
		"eight days":       {age: 8 * 24 * time.Hour, issued: true},
		"in the future":    {age: -170 * 24 * time.Hour, issued: true},
		"expired":          {expires: "2020-01-01T00:00:00Z", issued: true},
		"not expired":      {expires: "2999-01-01T00:00:00Z"},
		"strange expiry":   {expires: "soon"},
		"forced":           {force: true, issued: true},
		"forced and young": {age: time.Minute, force: true, issued: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := misplaced(t, "https://127.0.0.1:1/order/1")
			client := h.client(t)
			if _, err := client.Issue(testContext(t), h.request(), IssueOptions{}); err == nil {
				t.Fatal("no error")
			}
			j, err := openJournal(client.store, "www")
			if err != nil || j == nil || j.OrderURL == "" {
				t.Fatalf("journal %+v, %v", j, err)
			}
			j.Began, j.Expires = j.Began.Add(-c.age), c.expires
			if err := j.save(); err != nil {
				t.Fatal(err)
			}
			g, err := client.Issue(testContext(t), h.request(), IssueOptions{Attended: true, Force: c.force})
			if (err == nil) != c.issued {
				t.Fatalf("got %v", err)
			}
			if c.issued {
				checkIssuedOnce(t, h, g)
			}
		})
	}
}

// The order of a renewal is not waited for until the certificate has expired.
func TestOrderIsNotWorthTheCertificate(t *testing.T) {
	var dead atomic.Bool
	h := newHost(t, acmetest.Options{Validity: 24 * time.Hour, Intercept: damage(
		func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, pathOrder) && dead.Swap(false) },
		func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
			w.Header().Set("Location", "https://127.0.0.1:1/order/1")
			w.WriteHeader(a.Code)
			w.Write(a.Body.Bytes())
		})})
	c := h.client(t)
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	expireGuard(t, c)
	dead.Store(true)
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err == nil {
		t.Fatal("no error")
	}
	j, err := openJournal(c.store, "www")
	if err != nil || j == nil {
		t.Fatal(j, err)
	}
	j.Began = j.Began.Add(-25 * time.Hour)
	if err := j.save(); err != nil {
		t.Fatal(err)
	}
	if g, err := c.Issue(testContext(t), h.request(), IssueOptions{Attended: true}); err != nil || g.Number != 2 {
		t.Errorf("generation %d, %v", g.Number, err)
	}
}

// expireGuard makes the last issuance two days old for the guard.
func expireGuard(t *testing.T, c *Client) {
	t.Helper()
	g, err := c.store.Latest("www")
	if err != nil {
		t.Fatal(err)
	}
	g.Meta.Issued = g.Meta.Issued.Add(-48 * time.Hour)
	data, err := json.Marshal(g.Meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.Dir, "meta.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A certificate that is no chain sticks to its order: for some days it is
// asked for again, then, or at once with --force, another is ordered.
func TestAnswerThatIsNoChain(t *testing.T) {
	for name, body := range map[string]string{
		"too large":  strings.Repeat("x", 2<<20),
		"with a key": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n",
	} {
		for _, forced := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				bad := onlyFirst(pathCert)
				h := newHost(t, acmetest.Options{Intercept: damage(bad, func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
					w.Write([]byte(body))
				})})
				c := h.client(t)
				for range 2 {
					if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Attended: true}); err == nil {
						t.Fatal("no error")
					}
				}
				if h.ca.Orders() != 1 {
					t.Fatalf("%d orders for one certificate", h.ca.Orders())
				}
				if !forced {
					j, err := openJournal(c.store, "www")
					if err != nil || j == nil {
						t.Fatal(j, err)
					}
					j.Began = j.Began.Add(-8 * 24 * time.Hour)
					if err := j.save(); err != nil {
						t.Fatal(err)
					}
				}
				g, err := c.Issue(testContext(t), h.request(), IssueOptions{Attended: true, Force: forced})
				if err != nil {
					t.Fatal(err)
				}
				if found := litter(t, filepath.Dir(h.dir)); found != nil || h.ca.Orders() != 2 || g.Number != 1 {
					t.Errorf("litter %q, %d orders, generation %d", found, h.ca.Orders(), g.Number)
				}
			})
		}
	}
}

// onlyFirst matches the requests to the first path with this beginning that is
// asked for, however often, and to no other.
func onlyFirst(prefix string) func(*http.Request) bool {
	path := make(chan string, 1)
	return func(r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
		select {
		case was := <-path:
			path <- was
			return was == r.URL.Path
		default:
			path <- r.URL.Path
			return true
		}
	}
}

// An interrupted run, also a forced one, keeps its order.
func TestInterruptedForcedRunKeepsItsOrder(t *testing.T) {
	h := misplaced(t, "https://127.0.0.1:1/order/1")
	c := h.client(t)
	c.Issue(testContext(t), h.request(), IssueOptions{})
	ctx, cancel := context.WithCancel(testContext(t))
	c.step = func(name string) { t.Errorf("went on to %s", name) }
	cancel()
	c.Issue(ctx, h.request(), IssueOptions{Attended: true, Force: true})
	if j, err := openJournal(c.store, "www"); err != nil || j == nil || j.OrderURL == "" {
		t.Errorf("journal %+v, %v", j, err)
	}
}
