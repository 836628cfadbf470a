package renewal

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"net/http"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
)

// several gives a host n certificates.
func several(h *host, n int) {
	q := h.cfg.Requests[0]
	h.cfg.Requests = nil
	for i := range n {
		q.Name = string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		q.Names = []string{q.Name + ".example.test"}
		h.cfg.Requests = append(h.cfg.Requests, q)
	}
}

// A deployment that fails is told once: in the error, not in the log too.
func TestFailureIsReportedOnce(t *testing.T) {
	serve := errors.New("nobody serves it")
	h := offline(t, &serve)
	var log bytes.Buffer
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	_, err := Run(h.ctx(), h.cfg, Options{})
	var undeployed *NotDeployedError
	if !errors.As(err, &undeployed) || strings.Count(err.Error(), "nobody serves it") != 1 {
		t.Errorf("got %v", err)
	}
	if strings.Contains(log.String(), "nobody serves it") {
		t.Errorf("and again in the log:\n%s", log.String())
	}
	cert, err := store.Open(h.cfg.Dir).Certificate(site)
	if err != nil || !strings.Contains(cert.State.DeployError, "not deployed: nobody serves it") {
		t.Errorf("remembered: %q, %v", cert.State.DeployError, err)
	}
}

// What is damaged of one certificate must not let another expire.
func TestOneCertificateDamaged(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	several(h, 2)
	h.run(Options{})
	meta := filepath.Join(h.cfg.Dir, "certs", "a", "gen", "000001", "meta.json")
	if err := os.WriteFile(meta, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := Run(h.ctx(), h.cfg, Options{Force: true})
	if err == nil || !strings.Contains(err.Error(), "generation 1 of a") {
		t.Errorf("got %v", err)
	}
	damaged, healthy := report.Certificates[0], report.Certificates[1]
	if damaged.Error == "" || damaged.Issued || !healthy.Issued || !healthy.Deployed || healthy.Generation != 2 {
		t.Errorf("damaged: %+v\nhealthy: %+v", damaged, healthy)
	}
}

func TestDryRunRehearses(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	several(h, 2)
	h.cfg.Requests[1].Profile, h.cfg.Requests[1].NeedsProfile = "no such profile", true
	h.cfg.Hooks.Pre = []string{"/bin/false"}
	trial, done, err := acme.Rehearse(acme.Config{Dir: h.cfg.Dir, AgreeTOS: true,
		CAs: []acme.CA{{Name: "trial", Directory: h.ca.Directory, CAFile: h.ca.RootFile}}})
	if err != nil {
		t.Fatal(err)
	}
	h.cfg.Trial = trial
	report, err := Run(h.ctx(), h.cfg, Options{DryRun: true})
	if err == nil || !strings.Contains(err.Error(), `certificate b: trial has no profile`) {
		t.Errorf("got %v", err)
	}
	a, b := report.Certificates[0], report.Certificates[1]
	if !a.Rehearsed || a.Issued || a.Error != "" || b.Rehearsed || b.Error == "" || h.ca.Issued() != 1 {
		t.Errorf("%+v\n%+v\n%d certificates", a, b, h.ca.Issued())
	}
	done() // it takes away what it put below the store
	if _, err := os.Stat(h.cfg.Dir); err == nil {
		t.Error("the store was touched")
	}
}

// Many certificates whose windows are to be asked for: several questions at
// once, few of them, one directory.
func TestRenewalInformationOfManyCertificates(t *testing.T) {
	var directories, questions, now, most atomic.Int64
	h := newOffline(t, acmetest.Options{Intercept: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/dir":
				directories.Add(1)
			case strings.HasPrefix(r.URL.Path, "/draft-ietf-acme-ari"):
				questions.Add(1)
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				defer now.Add(-1)
			}
			next.ServeHTTP(w, r)
		})
	}})
	several(h, 30)
	h.run(Options{})
	store := store.Open(h.cfg.Dir)
	for _, q := range h.cfg.Requests {
		if err := os.Remove(filepath.Join(h.cfg.Dir, "certs", q.Name, "state.json")); err != nil {
			t.Fatal(err)
		}
	}
	client, err := acme.New(acme.Config{Dir: h.cfg.Dir, AgreeTOS: true,
		CAs: []acme.CA{{Name: "test", Directory: h.ca.Directory, CAFile: h.ca.RootFile}}})
	if err != nil {
		t.Fatal(err)
	}
	h.cfg.Client = client
	directories.Store(0)
	questions.Store(0)
	most.Store(0)
	h.run(Options{})
	if directories.Load() != 1 || questions.Load() != 30 || most.Load() > pollParallel {
		t.Errorf("%d directories, %d questions, %d at once", directories.Load(), questions.Load(), most.Load())
	}
	if _, err := store.List(); err != nil {
		t.Error(err)
	}
	h.run(Options{})
	if questions.Load() != 30 {
		t.Errorf("asked again at once: %d questions", questions.Load())
	}
}

func TestPostHookAfterAFailure(t *testing.T) {
	var serve error
	h := offlineWith(t, &serve, acmetest.Options{Blocked: []string{"example.test"}})
	out := filepath.Join(t.TempDir(), "post")
	program := filepath.Join(t.TempDir(), "hook")
	script := "#!/bin/sh\nenv | sort >" + out + "\nexit 3\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	h.cfg.Hooks.Post = []string{program}
	_, err := Run(h.ctx(), h.cfg, Options{})
	if err == nil || !strings.Contains(err.Error(), "post hook") || !strings.Contains(err.Error(), "rejectedIdentifier") {
		t.Errorf("both failures should be told: %v", err)
	}
	env, _ := os.ReadFile(out)
	if !strings.Contains(string(env), "TLSKEEPER_CERTIFICATES="+site+"\n") || strings.Contains(string(env), "secret") {
		t.Errorf("its environment:\n%s", env)
	}
}

func TestHookThatHangs(t *testing.T) {
	var serve error
	h := offline(t, &serve)
	h.cfg.Hooks = Hooks{Pre: []string{"/bin/sleep", "600"}, Timeout: 200_000_000}
	if _, err := Run(h.ctx(), h.cfg, Options{}); !errors.Is(err, context.DeadlineExceeded) || h.ca.Requests() != 0 {
		t.Errorf("%d requests, %v", h.ca.Requests(), err)
	}
}
