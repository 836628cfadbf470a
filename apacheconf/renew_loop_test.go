package apacheconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Applies under load: clients on new connections, without retry, at twenty
// requests a second, never fail. Connections that are kept open are closed by
// every reload; those are counted apart, and a request may fall into it.
func TestAppliesUnderLoad(t *testing.T) {
	t.Parallel()
	const applies = 50
	r := newRig(t, "")
	first, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	load := r.startLoad()
	began := time.Now()
	for i := range applies {
		next, leaf := r.generation()
		change := Change{Generations: map[string]string{"a.test": next}}
		if i%4 == 1 {
			change.Profile = []string{"modern", "intermediate"}[i/4%2]
		}
		if _, err := r.try(change); err != nil {
			t.Error(err)
			break
		}
		r.serves("a.test", leaf)
	}
	took := time.Since(began)
	load.stop()
	t.Logf("applies: %d in %v; requests on new connections: %d, failed: %d; on kept ones: %d, closed by a reload: %d",
		applies, took.Round(time.Millisecond), load.fresh.Load(), load.failed.Load(), load.kept.Load(), load.closed.Load())
	if load.failed.Load() > 0 || load.fresh.Load() < 20 {
		t.Errorf("failed requests: %d of %d; the first: %v", load.failed.Load(), load.fresh.Load(), load.first.Load())
	}
}

// load is two kinds of clients at work.
type load struct {
	fresh, failed, kept, closed atomic.Int64

	first  atomic.Value // string: the first error of either
	cancel context.CancelFunc
	all    sync.WaitGroup
}

const requestsPerSecond = 20

func (r *rig) startLoad() *load {
	ctx, cancel := context.WithCancel(background())
	l := &load{cancel: cancel}
	r.t.Cleanup(l.stop)
	tick := time.NewTicker(time.Second / requestsPerSecond)
	l.all.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.all.Go(func() { l.request(client(r.ca.Roots(), false), r.a.Addr(), &l.fresh, &l.failed) })
			}
		}
	})
	l.all.Go(func() {
		c := client(r.ca.Roots(), true)
		for ctx.Err() == nil {
			l.request(c, r.a.Addr(), &l.kept, &l.closed)
			pause(ctx, time.Second/requestsPerSecond)
		}
	})
	return l
}

func (l *load) stop() {
	l.cancel()
	l.all.Wait()
}

func (l *load) request(c *http.Client, addr string, done, failed *atomic.Int64) {
	err := get(c, addr)
	done.Add(1)
	if err != nil {
		failed.Add(1)
		l.first.CompareAndSwap(nil, err.Error())
	}
}

// client never tries again: a POST is not repeated by net/http.
func client(roots *x509.CertPool, keepAlive bool) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: !keepAlive,
		TLSClientConfig: &tls.Config{ServerName: "a.test", RootCAs: roots}}}
}

func get(c *http.Client, addr string) error {
	req, err := http.NewRequest(http.MethodPost, "https://"+addr+"/", nil)
	if err != nil {
		return err
	}
	req.Host = "a.test"
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
