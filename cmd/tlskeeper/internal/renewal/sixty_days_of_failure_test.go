package renewal

import (
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
)

// TestSixtyDaysOfFailure: the CA fails every new order from the moment of
// renewal on, 28 days before the expiry and a month after it. The pauses
// between two tries grow; only what is left of the certificate shortens them,
// and never below the hundred minutes of the third failure.
func TestSixtyDaysOfFailure(t *testing.T) {
	for name, issued := range map[string]bool{"never issued": false, "a renewal": true} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { failForSixtyDays(t, issued) }) })
	}
}

func failForSixtyDays(t *testing.T, issued bool) {
	proxy := new(acmetest.Proxy)
	ca, err := acmetest.InMemory(acmetest.Options{Validity: 90 * simDay, Intercept: proxy.Intercept})
	if err != nil {
		t.Fatal(err)
	}
	defer ca.Close()
	root := t.TempDir()
	cfg := Config{Dir: filepath.Join(root, "acme"), Requests: []acme.Request{{
		Name: site, Names: []string{site}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root},
	}}}
	wake := func() error {
		var err error
		cfg.Client, err = acme.New(acme.Config{Dir: cfg.Dir, AgreeTOS: true, Transport: ca.Transport(), CAs: []acme.CA{{Name: "failing", Directory: ca.Directory}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Run(t.Context(), cfg, Options{})
		return err
	}
	var expiry time.Time
	if issued {
		if err := wake(); err != nil {
			t.Fatal(err)
		}
		g, err := store.Open(cfg.Dir).Latest(site)
		if err != nil {
			t.Fatal(err)
		}
		expiry = g.Leaf.NotAfter
		time.Sleep(time.Until(expiry.Add(-28 * simDay)))
	}
	proxy.On(acmetest.NewOrder, -1, acmetest.Refuse(http.StatusForbidden, "unauthorized", "no"))
	checkPauses(t, cfg.Dir, wake, proxy, expiry)
	proxy.Heal()
	time.Sleep(26 * time.Hour)
	if err := wake(); err != nil || ca.Issued() < 1 {
		t.Errorf("after the CA was repaired: %v", err)
	}
}

// checkPauses wakes a second before the end of each pause, where nothing may
// be tried, and a second after it, where something must be.
func checkPauses(t *testing.T, dir string, wake func() error, proxy *acmetest.Proxy, expiry time.Time) {
	var pause time.Duration
	tries := 0
	for end := time.Now().Add(60 * simDay); time.Now().Before(end); tries++ {
		before, now := proxy.Seen(acmetest.NewOrder), time.Now()
		wake()
		tried := proxy.Seen(acmetest.NewOrder) // twice where the first replaces
		if tried == before {
			t.Fatalf("try %d: the pause did not end", tries)
		}
		cert, err := store.Open(dir).Certificate(site)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(cert.State.NotBefore.Add(-time.Second)))
		if tries%4 == 0 { // not each time: a wake costs milliseconds
			wake()
		}
		if proxy.Seen(acmetest.NewOrder) != tried {
			t.Errorf("try %d: the next came before the end of its pause", tries)
		}
		time.Sleep(2 * time.Second)

		next := time.Since(now)
		least := min(pause*9/10, max(100*time.Minute, expiry.Sub(now)/8)) // a tenth is jitter
		if next < least || next < time.Minute || next > 27*time.Hour {
			t.Errorf("try %d: a pause of %v after one of %v", tries, next, pause)
		}
		pause = next
	}
	if tries < 60 || tries > 1000 {
		t.Errorf("%d tries in 60 days", tries)
	}
	t.Logf("%d tries in 60 days, the last pause was %v", tries, pause.Round(time.Minute))
}
