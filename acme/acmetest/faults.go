package acmetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what a request asks the CA for.
type Kind string

// The kinds of requests (RFC 8555, section 7.1).
const (
	Directory     Kind = "directory"
	NewNonce      Kind = "new nonce"
	NewAccount    Kind = "new account"
	NewOrder      Kind = "new order"
	Order         Kind = "order"
	Authorization Kind = "authorization"
	Challenge     Kind = "challenge"
	Finalize      Kind = "finalize"
	Certificate   Kind = "certificate"
	RenewalInfo   Kind = "renewal information"
)

// Kinds are those that an issuance needs, in the order of their first use.
var Kinds = []Kind{Directory, NewNonce, NewAccount, NewOrder, Authorization, Challenge, Order, Finalize, Certificate}

// paths are Pebble's, which has no two that begin alike.
var paths = map[string]Kind{
	"/dir": Directory, "/nonce-plz": NewNonce, "/sign-me-up": NewAccount, "/order-plz": NewOrder,
	"/my-order/": Order, "/authZ/": Authorization, "/chalZ/": Challenge, "/finalize-order/": Finalize,
	"/certZ/": Certificate, "/draft-ietf-acme-ari-03/renewalInfo/": RenewalInfo,
}

// KindOf reads a request's kind from its path; "" for one that no issuance
// makes.
func KindOf(r *http.Request) Kind {
	for prefix, kind := range paths {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return kind
		}
	}
	return ""
}

// Fault answers one request badly. The CA behind it is next: a fault that
// calls it is one that the CA has heard of.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Proxy stands between a client and the CA, and does the faults that a test
// asks for. It may be told more at any time.
type Proxy struct {
	mu   sync.Mutex
	plan []*planned
	seen map[Kind]int
}

type planned struct {
	kind  Kind
	times int // left; negative is for ever
	skip  int // requests of this kind that pass first
	fault Fault
}

// On lets the next so many requests of this kind fail; -1 is all of them.
func (p *Proxy) On(kind Kind, times int, fault Fault) { p.After(0, kind, times, fault) }

// After is On, once skip requests of this kind have passed.
func (p *Proxy) After(skip int, kind Kind, times int, fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = append(p.plan, &planned{kind, times, skip, fault})
}

// Heal forgets all faults that were asked for.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = nil
}

// Seen is how many requests of this kind came.
func (p *Proxy) Seen(kind Kind) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[kind]
}

// Intercept is for Options.
func (p *Proxy) Intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := p.next(KindOf(r)); fault != nil {
			fault(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// next takes the first fault that is planned for a request of this kind.
func (p *Proxy) next(kind Kind) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[Kind]int{}
	}
	p.seen[kind]++
	for _, f := range p.plan {
		if f.kind != kind || f.times == 0 {
			continue
		}
		if f.skip > 0 {
			f.skip--
			return nil
		}
		f.times--
		return f.fault
	}
	return nil
}

// Seconds and Date are the two forms of Retry-After (RFC 9110, section 10.2.3).
func Seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// Date is Retry-After as a date, which has whole seconds: it may be up to one
// second longer than d.
func Date(d time.Duration) string {
	return time.Now().Add(d + time.Second - 1).UTC().Format(http.TimeFormat)
}

// Busy refuses as a CA does (429 by a problem document, others by the text of
// a load balancer); retryAfter is computed at the request, nil for none.
func Busy(status int, retryAfter func() string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if retryAfter != nil {
			w.Header().Set("Retry-After", retryAfter())
		}
		if status == http.StatusTooManyRequests {
			Refuse(status, "rateLimited", "too many new orders recently")(w, nil, nil)
			return
		}
		http.Error(w, "<html>Service busy; retry later.</html>", status)
	}
}

// Refuse answers with a problem document without asking the CA.
func Refuse(status int, kind, detail string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"type":"urn:ietf:params:acme:error:%s","detail":%q,"status":%d}`, kind, detail, status)
	}
}

// ResetBefore breaks the connection; the CA hears nothing.
func ResetBefore(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// ResetAfter lets the CA do what is asked, and loses its answer.
func ResetAfter(_ http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Truncated sends half of the CA's answer, and then breaks the connection.
func Truncated(w http.ResponseWriter, r *http.Request, next http.Handler) {
	Changed(func(body []byte) []byte { return body[:len(body)/2] })(&cutShort{w}, r, next)
	panic(http.ErrAbortHandler)
}

// cutShort promises more than it gets.
type cutShort struct{ http.ResponseWriter }

func (c *cutShort) WriteHeader(status int) {
	c.Header().Set("Content-Length", "1000000")
	c.ResponseWriter.WriteHeader(status)
}

// Huge sends an answer of so many bytes. The CA has done what was asked.
func Huge(size int) Fault {
	return Changed(func([]byte) []byte { return bytes.Repeat([]byte("A"), size) })
}

// Changed sends the CA's answer with another body.
func Changed(change func(body []byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		for key, values := range recorder.Header() {
			w.Header()[key] = values
		}
		body := recorder.Body.Bytes()
		w.Header().Del("Content-Length")
		w.WriteHeader(recorder.Code)
		if len(body) > 0 {
			w.Write(change(body))
		}
	}
}

// Unknown adds to the CA's JSON what no RFC knows yet: fields everywhere, and
// challenges of a type of the future.
var Unknown = Changed(func(body []byte) []byte {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return body
	}
	object["future"] = map[string]any{"nested": []any{1, "two", nil}}
	if challenges, ok := object["challenges"].([]any); ok {
		strange := []any{
			map[string]any{"type": "dns-persist-02", "url": "https://ca.example/1", "status": "pending", "issuer-domain-names": []string{"x"}},
			map[string]any{"type": "", "future": true},
		}
		object["challenges"] = append(strange, challenges...)
	}
	data, err := json.Marshal(object)
	if err != nil {
		return body
	}
	return data
})
