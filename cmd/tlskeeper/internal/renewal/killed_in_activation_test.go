package renewal

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/internal/testenv"
	"tlskeeper/internal/testenv/killat"
)

// killedRun is what a child process of a test does: one Run, without a CA.
type killedRun struct {
	Dir      string
	Apache   apacheconf.Config
	Requests []acme.Request
}

const childVariable = "TLSKEEPER_RENEWAL_CHILD"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	told := os.Getenv(childVariable)
	if told == "" {
		os.Exit(m.Run())
	}
	var run killedRun
	if err := json.Unmarshal([]byte(told), &run); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := Run(ctx, Config{Dir: run.Dir, Deploy: Apache(run.Apache), LockWait: lockWait, Requests: run.Requests}, Options{}); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

func (h *host) child() *exec.Cmd {
	h.t.Helper()
	told, err := json.Marshal(killedRun{Dir: h.cfg.Dir, Apache: h.conf, Requests: h.cfg.Requests})
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(told))
	return cmd
}

// TestKilledInActivation kills the process that activates a new generation
// before each change of a file that it makes (in the short form before a few
// of them), while somebody else reloads Apache all the time. Each reload must
// find a pair that belongs together, an old one or the new one, and Apache
// must live; the next run ends what was begun, without a new order.
func TestKilledInActivation(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	if _, err := Run(h.ctx(), h.cfg, Options{Attended: true}); err == nil {
		t.Fatal("deployed without a virtual host")
	}
	h.adopt()
	h.run(Options{})
	h.pending()
	whole, err := killat.Run(h.child(), 0)
	if errors.Is(err, killat.ErrNotPermitted) {
		t.Skip(err)
	}
	if err != nil || whole.Exit != 0 || h.served() != h.latest() {
		t.Fatalf("an activation that nobody kills: %+v, %v", whole, err)
	}
	reloader := h.reloadInALoop()
	places := places(whole.Changes)
	for _, at := range places {
		h.killAndFinish(at)
		if t.Failed() {
			break
		}
	}
	reloader.stop()
	t.Logf("killed at %d of %d places, %d reloads by somebody else", len(places), whole.Changes, reloader.count.Load())
	if reloader.count.Load() < int64(len(places)) {
		t.Errorf("only %d reloads", reloader.count.Load())
	}
}

// places are all in the long form, else one of every two: two runs see them all.
func places(all int) []int {
	var at []int
	step := 2
	if os.Getenv("TLSKEEPER_SOAK") != "" {
		step = 1
	}
	for from := 0; from+step <= all; from += step {
		at = append(at, 1+from+rand.N(step))
	}
	return at
}

func (h *host) killAndFinish(at int) {
	h.t.Helper()
	former, issued := h.served(), h.ca.Issued()
	h.pending()
	result, err := killat.Run(h.child(), at)
	if err != nil {
		h.t.Fatal(err)
	}
	if got := h.served(); got != former && got != h.latest() {
		h.t.Errorf("killed before change %d, a %s: serial %s is served, neither the old nor the new", at, result.Call, got)
	}
	report, err := Run(h.ctx(), h.cfg, Options{})
	if err != nil || !report.Certificates[0].Deployed || h.served() != h.latest() {
		h.t.Errorf("after a kill before change %d, a %s: %v, served %s, want %s", at, result.Call, err, h.served(), h.latest())
	}
	if got := h.ca.Issued() - issued; got != 1 {
		h.t.Errorf("%d certificates for one deployment", got)
	}
}

// pending issues a generation that is not deployed.
func (h *host) pending() {
	h.t.Helper()
	cfg := h.cfg
	cfg.Deploy = Deployer{}
	if _, err := Run(h.ctx(), cfg, Options{Force: true}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) latest() string {
	h.t.Helper()
	g, err := store.Open(h.cfg.Dir).Latest(site)
	if err != nil {
		h.t.Fatal(err)
	}
	return g.Serial()
}

// reloader is an admin, or another program, who reloads Apache.
type reloader struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	count  atomic.Int64
}

func (r *reloader) stop() {
	r.cancel()
	r.done.Wait()
}

// reloadInALoop reloads, and lets a visitor in after each time.
func (h *host) reloadInALoop() *reloader {
	ctx, cancel := context.WithCancel(h.t.Context())
	r := &reloader{cancel: cancel}
	h.t.Cleanup(r.stop)
	r.done.Go(func() {
		for ctx.Err() == nil {
			err := h.apache.Reload(context.WithoutCancel(ctx))
			if err == nil {
				_, err = h.visit(context.WithoutCancel(ctx))
			}
			if err != nil {
				h.t.Errorf("reload %d: %v", r.count.Load(), err)
				return
			}
			r.count.Add(1)
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond): // leaves a processor to the others
			}
		}
	})
	return r
}
