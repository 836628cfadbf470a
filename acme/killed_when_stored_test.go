package acme

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
)

// renew does what a run of the timer does for one certificate, in its order: it
// settles, and issues only what is missing, revoked or due.
func (h host) renew(t *testing.T, r Request) {
	t.Helper()
	s := store.Open(h.dir)
	if err := Settle(testContext(t), s); err != nil {
		t.Fatal(err)
	}
	cert, err := s.Certificate(r.Name)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Latest.Number > 0 && !cert.Revoked() && time.Now().Before(cert.Due(time.Now(), nil).At) {
		return
	}
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
}

// A fresh certificate is kept, so that nothing but the beginning of the run
// ends what a kill cut off; and the next issuance must be one.
func TestKilledBetweenStoringAndForgetting(t *testing.T) {
	for _, step := range []string{"stored", "linked"} {
		t.Run(step, func(t *testing.T) {
			h := newHost(t, acmetest.Options{AlwaysValid: true})
			h.renew(t, h.request())
			run(t, killedRun{Config: h.config(), Request: h.request(), Options: IssueOptions{Force: true}, Step: step}, true)
			if err := store.Open(h.dir).Change("www", func(s *store.State) { s.Failures, s.LastError = 3, "of former tries" }); err != nil {
				t.Fatal(err)
			}
			h.renew(t, h.request())
			cert := h.checkSettled(t, 2)
			if cert.State.Failures != 0 || cert.State.LastError != "" {
				t.Errorf("the order's success is not noted: %+v", cert.State)
			}
			if err := h.client(t).Revoke(testContext(t), cert.Latest, Reasons["keyCompromise"]); err != nil {
				t.Fatal(err)
			}
			h.renew(t, h.request())
			if h.checkSettled(t, 3).Revoked() {
				t.Error("the revoked certificate stays in use")
			}
		})
	}
}

// The same without a run in between: the former order's generation is no
// answer to the next wish.
func TestForcedIssuanceAfterAKillWhenStored(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	run(t, killedRun{Config: h.config(), Request: h.request(), Step: "stored"}, true)
	g, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{Force: true})
	if err != nil || g.Number != 2 {
		t.Fatalf("generation %d: %v", g.Number, err)
	}
	h.checkSettled(t, 2)
}

// checkSettled: as many generations as the CA signed, the last one linked, and
// no second copy of its key.
func (h host) checkSettled(t *testing.T, want int) store.Certificate {
	t.Helper()
	cert, err := store.Open(h.dir).Certificate("www")
	if err != nil || cert.Latest.Number != want || h.ca.Issued() != want {
		t.Fatalf("generation %d, the CA issued %d, want %d (%v)", cert.Latest.Number, h.ca.Issued(), want, err)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found)
	}
	if live, err := filepath.EvalSymlinks(filepath.Join(h.dir, "live", "www")); err != nil || live != cert.Latest.Dir {
		t.Errorf("live is %s: %v", live, err)
	}
	return cert
}

func TestTemporaryFilesOfKilledRuns(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	h.renew(t, h.request())
	account := h.client(t).accountOf(h.config().CAs[0]).dir
	order := filepath.Join(h.dir, "certs", "never", "order") // a kill before the first record
	if err := durable.MkdirAll(order, 0o700); err != nil {
		t.Fatal(err)
	}
	left := []string{filepath.Join(order, "key.pem")}
	for _, dir := range []string{account, filepath.Join(h.dir, "live"), filepath.Join(h.dir, "certs"),
		filepath.Join(h.dir, "certs", "www"), filepath.Join(h.dir, "certs", "www", "gen")} {
		left = append(left, filepath.Join(dir, durable.TempPrefix+"123"))
	}
	for _, path := range left {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked := h.ca.Requests()
	if err := Settle(testContext(t), store.Open(h.dir)); err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	if h.ca.Requests() != asked {
		t.Error("the CA was asked")
	}
	h.checkSettled(t, 1)
}

// A rollback is not undone by settling.
func TestSettlingKeepsARollback(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	h.renew(t, h.request())
	first, _ := store.Open(h.dir).Latest("www")
	run(t, killedRun{Config: h.config(), Request: h.request(), Options: IssueOptions{Force: true}, Step: "linked"}, true)
	store := store.Open(h.dir)
	if err := store.MarkRolledBack("www", 1, 2, first.Meta.Issued); err != nil {
		t.Fatal(err)
	}
	h.renew(t, h.request())
	if live, err := filepath.EvalSymlinks(filepath.Join(h.dir, "live", "www")); err != nil || live != first.Dir {
		t.Errorf("live is %s: %v", live, err)
	}
}
