package apacheconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Renewals under load: clients on new connections, without retry, never fail.
func TestRenewalsUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var shook atomic.Int64
	for range 2 {
		load.Go(func() {
			for ctx.Err() == nil {
				if err := shakeHands(r.a.Addr(), r.ca.Roots()); err != nil {
					t.Error(err)
				}
				shook.Add(1)
				pause(ctx, 50*time.Millisecond)
			}
		})
	}
	for range 5 {
		next, leaf := r.generation()
		if _, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": next}); err != nil {
			t.Error(err)
			break
		}
		r.serves("a.test", leaf)
	}
	stop()
	load.Wait()
	t.Logf("handshakes during five renewals: %d", shook.Load())
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func shakeHands(addr string, roots *x509.CertPool) error {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{ServerName: "a.test", RootCAs: roots}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (r *rig) leafOf(dir string) *x509.Certificate {
	r.t.Helper()
	chain, err := readChain(filepath.Join(dir, "fullchain.pem"))
	if err != nil {
		r.t.Fatal(err)
	}
	return chain[0]
}
