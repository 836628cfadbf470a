package renewal

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/internal/hint"
)

// What is wrong with one certificate's configuration stops this one: the
// others are renewed.
func TestOneRequestFaulty(t *testing.T) {
	for name, spoil := range map[string]struct {
		how         func(*acme.Request)
		words, hint string
	}{
		"its CSR is missing": {func(q *acme.Request) { q.Names, q.CSRFile = nil, "/nowhere/a.csr" }, "/nowhere/a.csr", ""},
		"no HTTPREQ_ENDPOINT": {func(q *acme.Request) { q.Challenge = challenge.Way{Type: challenge.DNS01, Provider: "httpreq"} },
			"HTTPREQ_ENDPOINT", "HTTPREQ_ENDPOINT"},
		"no way of proof": {func(q *acme.Request) { q.Challenge = challenge.Way{Type: challenge.HTTP01} }, "http-01", "webroot"},
	} {
		t.Run(name, func(t *testing.T) {
			var serve error
			h := offline(t, &serve)
			several(h, 3)
			h.run(Options{})
			spoil.how(&h.cfg.Requests[0])
			report, err := Run(h.ctx(), h.cfg, Options{Force: true})
			if err == nil || !strings.Contains(err.Error(), spoil.words) || !strings.Contains(hint.Of(err), spoil.hint) {
				t.Errorf("got %v (hint %q)", err, hint.Of(err))
			}
			if len(report.Certificates) != 3 || report.Certificates[0].Error == "" || h.ca.Issued() != 5 {
				t.Fatalf("%+v, %d certificates", report.Certificates, h.ca.Issued())
			}
			for _, o := range report.Certificates[1:] {
				if !o.Issued || !o.Deployed {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

// What one user asks for by name is refused at once, and leaves nothing.
func TestFaultyRequestThatIsAskedFor(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	several(h, 2)
	h.cfg.Requests[0].Names = []string{"no name"}
	if _, err := Run(h.ctx(), h.cfg, Options{Only: []string{"a"}, Attended: true}); err == nil {
		t.Error("accepted")
	}
	if _, err := os.Stat(h.cfg.Dir); err == nil {
		t.Error("something was made")
	}
}

// A CSR is what is asked for: another one leads to another certificate.
func TestCSRChanged(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	q := &h.cfg.Requests[0]
	q.Names = nil
	q.CSRFile, q.KeyFile = acmetest.WriteCSR(t, "", site)
	h.run(Options{})
	if o := h.run(Options{}).Certificates[0]; o.Issued {
		t.Errorf("unchanged: %+v", o)
	}
	q.CSRFile, q.KeyFile = acmetest.WriteCSR(t, "", site, "more.example.test")
	if o := h.run(Options{}).Certificates[0]; !o.Issued || !strings.Contains(o.Reason, "changed") {
		t.Errorf("other names: %+v", o)
	}
	q.CSRFile, q.KeyFile = acmetest.WriteCSR(t, "", "more.example.test", site)
	report, err := Run(h.ctx(), h.cfg, Options{})
	if o := report.Certificates[0]; !strings.Contains(o.Reason, "changed") {
		t.Errorf("another key: %+v, %v", o, err)
	}
}

// While a try waits for its time, nothing is asked, and no hook is called.
func TestNoHookWhileWaiting(t *testing.T) {
	for name, c := range map[string]struct {
		kind   acmetest.Kind
		answer acmetest.Fault
	}{
		"our own back-off":        {acmetest.NewOrder, acmetest.Refuse(http.StatusForbidden, "unauthorized", "no")},
		"a pause the CA wants":    {acmetest.NewOrder, acmetest.Busy(http.StatusServiceUnavailable, func() string { return "7200" })},
		"the guard, after a loop": {},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := new(acmetest.Proxy)
			var serve error
			h := offlineWith(t, &serve, acmetest.Options{Intercept: proxy.Intercept})
			calls := filepath.Join(t.TempDir(), "calls")
			hook := filepath.Join(t.TempDir(), "hook")
			if err := os.WriteFile(hook, []byte("#!/bin/sh\necho called >>"+calls+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			h.cfg.Hooks.Pre, h.cfg.Hooks.Post = []string{hook}, []string{hook}
			if c.answer != nil {
				proxy.On(c.kind, -1, c.answer)
			}
			Run(h.ctx(), h.cfg, Options{})
			if c.answer == nil {
				h.cfg.Requests[0].KeyType = acme.P256
			}
			for range 3 {
				Run(h.ctx(), h.cfg, Options{})
			}
			if text, _ := os.ReadFile(calls); string(text) != "called\ncalled\n" {
				t.Errorf("hooks: %q", text)
			}
		})
	}
}

// What an issuance met is not what a deployment met.
func TestPauseIsExplainedByWhatTheCASaid(t *testing.T) {
	proxy := new(acmetest.Proxy)
	var serve error
	h := offlineWith(t, &serve, acmetest.Options{Intercept: proxy.Intercept})
	h.run(Options{})
	serve = errors.New("apache was broken")
	proxy.On(acmetest.NewOrder, -1, acmetest.Busy(http.StatusServiceUnavailable, func() string { return "7200" }))
	h.cfg.Deploy.Served = func(context.Context, []store.Generation) (map[string]error, error) {
		return map[string]error{site: serve}, nil
	}
	Run(h.ctx(), h.cfg, Options{Force: true})
	report, _ := Run(h.ctx(), h.cfg, Options{Force: true})
	if o := report.Certificates[0]; strings.Contains(o.Reason+o.Error, "deployed") || !strings.Contains(o.Reason+o.Error, "503") {
		t.Errorf("%+v", o)
	}
	if s := h.state(); !strings.Contains(s.LastError, "503") || !strings.Contains(s.DeployError, "apache was broken") {
		t.Errorf("published: %+v", s)
	}
}
