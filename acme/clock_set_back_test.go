package acme

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
)

// TestClockSetBack: the host's clock was 40 days ahead when something was
// written down, and was then set right. A pause that no rule of ours can have
// made must not be kept: it would outlast the certificate.
func TestClockSetBack(t *testing.T) {
	const ahead = 40 * day
	synctest.Test(t, func(t *testing.T) {
		h, proxy := proxied(t, acmetest.Options{Validity: 90 * day})
		g, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.client(t).RenewalInfo(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		time.Sleep(62 * day)
		err = h.client(t).store.Change("www", func(s *store.State) {
			s.Failures, s.LastError = 4, "the network was down"
			s.NotBefore, s.ARI.NextPoll = time.Now().Add(ahead+day), time.Now().Add(ahead+6*time.Hour)
			s.Pauses = map[string]time.Time{h.ca.Directory: time.Now().Add(ahead + time.Hour)}
		})
		if err != nil {
			t.Fatal(err)
		}
		asked := proxy.Seen(acmetest.RenewalInfo)
		if _, err := h.client(t).RenewalInfo(t.Context(), g); err != nil || proxy.Seen(acmetest.RenewalInfo) == asked {
			t.Errorf("the CA is not asked about renewals any more: %v", err)
		}
		meta := filepath.Join(g.Dir, "meta.json")
		data, err := os.ReadFile(meta)
		if err != nil {
			t.Fatal(err)
		}
		stamp := g.Meta.Issued.Format(time.RFC3339Nano)
		future := strings.Replace(string(data), stamp, time.Now().Add(ahead).Format(time.RFC3339Nano), 1)
		if future == string(data) {
			t.Fatalf("no %s in %s", stamp, data)
		}
		if err := os.WriteFile(meta, []byte(future), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{}); err != nil {
			t.Errorf("no renewal: %v", err)
		}
	})
}

// TestPauseOfTheCAAndClockSetBack is the same for a pause of the CA as a whole.
func TestPauseOfTheCAAndClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, proxy := proxied(t, acmetest.Options{})
		proxy.On(acmetest.NewOrder, 1, acmetest.Busy(503, func() string { return acmetest.Seconds(2 * time.Hour) }))
		var wait *BackoffError
		if _, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{}); !errors.As(err, &wait) {
			t.Fatal(err)
		}
		written, err := filepath.Glob(filepath.Join(h.dir, "accounts", "*", "pause.json"))
		if err != nil || len(written) != 1 {
			t.Fatal(written, err)
		}
		if err := os.WriteFile(written[0], []byte(`{"until":"2000-02-20T00:00:00Z"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.client(t).store.Change("www", func(s *store.State) { *s = store.State{} }); err != nil {
			t.Fatal(err)
		}
		if _, err := h.client(t).Issue(t.Context(), h.request(), IssueOptions{}); err != nil {
			t.Error(err)
		}
	})
}
