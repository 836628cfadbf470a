package acme

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
)

// slowCA shows an authorization as pending until it has been asked to validate
// as many names, and counts the requests that are under way.
type slowCA struct {
	names int

	mu          sync.Mutex
	asked       map[string]bool
	now, atOnce int
}

func (s *slowCA) intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.now++
		s.atOnce = max(s.atOnce, s.now)
		if strings.HasPrefix(r.URL.Path, pathChallenge) {
			s.asked[r.URL.Path] = true
		}
		all := len(s.asked) >= s.names
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.now--
			s.mu.Unlock()
		}()
		if all || !strings.HasPrefix(r.URL.Path, pathAuthz) {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(answer.Code)
		w.Write(bytes.Replace(answer.Body.Bytes(), []byte(`"status": "valid"`), []byte(`"status": "pending"`), 1))
	})
}

// A CA that takes 5 s for a name takes them for all names at once; the
// requests that are under way stay few.
func TestSlowValidationOfManyNames(t *testing.T) {
	slow := &slowCA{names: 60, asked: map[string]bool{}}
	h := newHost(t, acmetest.Options{Intercept: slow.intercept})
	r := Request{Name: "many", Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
	for i := range slow.names {
		r.Names = append(r.Names, fmt.Sprintf("n%d.example.org", i))
	}
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	if slow.atOnce > parallel {
		t.Errorf("%d requests at once, want at most %d", slow.atOnce, parallel)
	}
}
