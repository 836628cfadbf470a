package renewal

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
)

const (
	simDay  = 24 * time.Hour
	simYear = 365 * simDay

	simYears = 5
)

// span is a time in which something is not there.
type span struct{ from, to time.Time }

func (s span) has(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

func within(spans []span, t time.Time) (span, bool) {
	i := slices.IndexFunc(spans, func(s span) bool { return s.has(t) })
	if i < 0 {
		return span{}, false
	}
	return spans[i], true
}

// world is some years of one host and its CA.
type world struct {
	lifetime time.Duration
	noARI    bool
	every    time.Duration // between two starts of the timer

	t       *testing.T
	rng     *rand.Rand
	h       *host
	ca      *simulatedCA
	outages []span // the CA answers 503
	away    []span // the host is off
	jumps   []time.Time
	end     time.Time

	served  *x509.Certificate
	expired time.Duration // while the host was up
	runs    int
}

// TestYearsOfRenewals lets a host and Pebble live for years in fake time: CA
// outages of 48 hours, the host off for days, its clock set by weeks, and a
// tenth of all deployments failing. Five years each. The long form wakes every
// hour, as the timer does; this one less often, which is harder on the schedule.
func TestYearsOfRenewals(t *testing.T) {
	worlds := map[string]world{
		"90 days": {lifetime: 90 * simDay, every: 12 * time.Hour}, "64 days": {lifetime: 64 * simDay, every: 12 * time.Hour},
		"45 days": {lifetime: 45 * simDay, every: 12 * time.Hour}, "45 days, no window": {lifetime: 45 * simDay, noARI: true, every: 12 * time.Hour},
		"160 hours": {lifetime: 160 * time.Hour, every: 4 * time.Hour}, "160 hours, no window": {lifetime: 160 * time.Hour, noARI: true, every: 4 * time.Hour},
	}
	for name, w := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if os.Getenv("TLSKEEPER_SOAK") != "" {
				w.every = time.Hour
			}
			synctest.Test(t, func(t *testing.T) {
				w.t = t
				w.live()
			})
		})
	}
}

func (w *world) live() {
	w.rng = rand.New(rand.NewPCG(uint64(w.lifetime), 7))
	w.end = time.Now().Add(simYears * simYear)
	w.fate()
	w.ca = &simulatedCA{world: w, leaves: map[string]*x509.Certificate{}}
	ca, err := acmetest.InMemory(acmetest.Options{Validity: w.lifetime, NonceReject: 5, Intercept: w.ca.intercept})
	if err != nil {
		w.t.Fatal(err)
	}
	defer ca.Close()
	root := w.t.TempDir()
	w.h = &host{t: w.t, ca: ca, cfg: Config{Dir: filepath.Join(root, "acme"), Deploy: w.deployer(), Requests: []acme.Request{{
		Name: site, Names: []string{site}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root}, Keep: 3,
	}}}}
	for time.Now().Before(w.end) {
		w.wake()
		w.rest()
	}
	w.judge()
}

// fate lays out the accidents: in each quarter one outage of the CA, one
// absence of the host, and one step of its clock, far from each other.
func (w *world) fate() {
	quarter := simYear / 4
	for from := time.Now(); from.Add(quarter).Before(w.end.Add(time.Hour)); from = from.Add(quarter) {
		at := from.Add(10*simDay + rand64(w.rng, 8*simDay))
		w.outages = append(w.outages, span{at, at.Add(48 * time.Hour)})
		at = from.Add(35*simDay + rand64(w.rng, 10*simDay))
		w.away = append(w.away, span{at, at.Add(simDay + rand64(w.rng, 9*simDay))})
		w.jumps = append(w.jumps, from.Add(65*simDay+rand64(w.rng, 20*simDay)))
	}
}

func rand64(rng *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(below)))
}

// wake is one start of `renew` by its timer: a new process.
func (w *world) wake() {
	if len(w.jumps) > 0 && time.Now().After(w.jumps[0]) {
		w.jumps = w.jumps[1:]
		w.setClock([]time.Duration{-40 * simDay, 40 * simDay}[len(w.jumps)%2])
	}
	cfg := w.h.cfg
	var err error
	cfg.Client, err = acme.New(acme.Config{Dir: cfg.Dir, AgreeTOS: true, Transport: w.h.ca.Transport(),
		CAs: []acme.CA{{Name: "simulated", Directory: w.h.ca.Directory}}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.runs++
	if _, err := Run(w.t.Context(), cfg, Options{}); err != nil && w.served == nil {
		w.t.Fatalf("the first run: %v", err)
	}
}

// rest sleeps until the timer's next start, or through an absence, and counts for how long an expired certificate was shown.
func (w *world) rest() {
	next := time.Now().Add(w.every + rand64(w.rng, 5*time.Minute))
	shown := next
	if off, ok := within(w.away, next); ok {
		next, shown = off.to, off.from
	}
	if w.served == nil || shown.After(w.served.NotAfter) {
		from := time.Now()
		if w.served != nil && w.served.NotAfter.After(from) {
			from = w.served.NotAfter
		}
		w.expired += shown.Sub(from)
	}
	time.Sleep(time.Until(next))
}

// deployer activates all but a tenth of the time.
func (w *world) deployer() Deployer {
	return Deployer{
		Activate: func(context.Context, map[string]string) error {
			if w.served != nil && time.Now().Before(w.served.NotAfter) && w.rng.IntN(10) == 0 {
				return fmt.Errorf("apache was broken by somebody else")
			}
			return nil
		},
		Served: func(_ context.Context, generations []store.Generation) (map[string]error, error) {
			w.served = generations[0].Leaf
			return nil, nil
		},
		Active: func() (map[string]string, error) { return nil, nil },
	}
}

// setClock is what setting the host's clock by -by comes to: whatever we wrote
// down was written by a clock that differed so much. What the CA said stays.
func (w *world) setClock(by time.Duration) {
	path := filepath.Join(w.h.cfg.Dir, "certs", site, "state.json")
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	var state store.State
	if err := json.Unmarshal(data, &state); err != nil {
		w.t.Fatal(err)
	}
	for _, at := range []*time.Time{&state.DeployedAt, &state.LastErrorAt, &state.DeployErrorAt, &state.HeldAt, &state.NotBefore} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	for ca, until := range state.Pauses {
		state.Pauses[ca] = until.Add(by)
	}
	if state.ARI != nil {
		state.ARI.NextPoll = state.ARI.NextPoll.Add(by)
	}
	if data, err = json.Marshal(state); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// judge compares with a perfect client.
func (w *world) judge() {
	ideal, issued := w.ideal(), w.h.ca.Issued()
	if slack := max(1, float64(ideal)*0.05); float64(issued) > float64(ideal)+slack || float64(issued) < float64(ideal)-slack {
		w.t.Errorf("%d certificates were issued, a perfect client has %d issued", issued, ideal)
	}
	if w.expired > 0 {
		w.t.Errorf("an expired certificate was shown for %v while the host was up", w.expired)
	}
	if w.ca.early > 0 {
		w.t.Errorf("%d requests came before the end of a pause that the CA had asked for", w.ca.early)
	}
	if w.ca.refused == 0 {
		w.t.Error("no request met an outage: the simulation proves nothing")
	}
	w.t.Logf("%d years: %d runs, %d certificates (ideal %d), %d requests refused", simYears, w.runs, issued, ideal, w.ca.refused)
}

// ideal is how many certificates a client needs that renews each in the middle
// of its window, or at the first moment after it when both sides are there.
func (w *world) ideal() int {
	count := 0
	for at := w.end.Add(-simYears * simYear); at.Before(w.end); count++ {
		at = at.Add(windowOf(w.lifetime) + w.lifetime/100)
		for {
			closed, ok := within(slices.Concat(w.outages, w.away), at)
			if !ok {
				break
			}
			at = closed.to
		}
	}
	return count
}

// windowOf is where Let's Encrypt's window of 2 % of the lifetime begins:
// boulder, core/objects.go, RenewalInfoSimple.
func windowOf(lifetime time.Duration) time.Duration {
	if lifetime < 10*simDay {
		return lifetime / 2
	}
	return lifetime * 2 / 3
}

// simulatedCA is Pebble with Let's Encrypt's windows and outages.
type simulatedCA struct {
	world *world

	mu             sync.Mutex
	leaves         map[string]*x509.Certificate // by certID
	until          map[bool]time.Time           // the end of a pause asked for; true is for renewal information
	early, refused int
}

func (s *simulatedCA) intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := acmetest.KindOf(r)
		if s.closed(w, kind == acmetest.RenewalInfo) {
			return
		}
		switch kind {
		case acmetest.Certificate:
			s.download(w, r, next)
		case acmetest.RenewalInfo:
			s.window(w, r)
		case acmetest.Directory:
			s.directory(w, r, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// closed answers in an outage, with Retry-After in its two forms by turns.
func (s *simulatedCA) closed(w http.ResponseWriter, renewalInfo bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.until[renewalInfo]) {
		s.early++
	}
	if _, out := within(s.world.outages, now); !out {
		return false
	}
	s.refused++
	form, pause := acmetest.Seconds, 30*time.Minute+rand64(s.world.rng, 5*time.Hour)
	if s.refused%2 == 0 {
		form = acmetest.Date
	}
	if s.until == nil {
		s.until = map[bool]time.Time{}
	}
	s.until[renewalInfo] = now.Add(pause.Truncate(time.Second))
	acmetest.Busy(http.StatusServiceUnavailable, func() string { return form(pause) })(w, nil, nil)
	return true
}

func (s *simulatedCA) download(w http.ResponseWriter, r *http.Request, next http.Handler) {
	acmetest.Changed(func(body []byte) []byte {
		if block, _ := pem.Decode(body); block != nil {
			if leaf, err := x509.ParseCertificate(block.Bytes); err == nil {
				s.mu.Lock()
				s.leaves[schedule.CertID(leaf)] = leaf
				s.mu.Unlock()
			}
		}
		return body
	})(w, r, next)
}

func (s *simulatedCA) window(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	leaf := s.leaves[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	s.mu.Unlock()
	if leaf == nil {
		http.NotFound(w, r)
		return
	}
	start := leaf.NotBefore.Add(windowOf(s.world.lifetime))
	w.Header().Set("Retry-After", "21600")
	fmt.Fprintf(w, `{"suggestedWindow":{"start":%q,"end":%q}}`,
		start.Format(time.RFC3339), start.Add(s.world.lifetime/50).Format(time.RFC3339))
}

func (s *simulatedCA) directory(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !s.world.noARI {
		next.ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	var object map[string]any
	if json.Unmarshal(recorder.Body.Bytes(), &object) != nil {
		return
	}
	delete(object, "renewalInfo")
	json.NewEncoder(w).Encode(object)
}
