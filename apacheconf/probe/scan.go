package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// maxParallel is how many connections a scan holds at once: enough to hide
	// the round trips, few enough for a server of a few workers.
	maxParallel = 16
	// maxSilences is after how many unanswered handshakes a scan gives up.
	maxSilences = 4
)

// versionNames are the versions that are tried, named as Apache's log does.
var versionNames = []struct {
	code uint16
	name string
}{
	{versionSSL30, "SSLv3"}, {tls.VersionTLS10, "TLSv1"}, {tls.VersionTLS11, "TLSv1.1"},
	{tls.VersionTLS12, "TLSv1.2"}, {tls.VersionTLS13, "TLSv1.3"},
}

// Scan finds out what the server supports and judges it. It makes some 40
// handshakes and one more for each suite and group that the server accepts,
// sixteen at a time, each bounded by DefaultTimeout; none is completed except
// those that ask for certificates and headers.
//
// It fails when the server cannot be reached, does not answer, or does not
// speak TLS. What goes wrong later is told in Report.Notes.
func Scan(ctx context.Context, t Target) (*Report, error) {
	begin := time.Now()
	s := &scanner{t: t, slots: make(chan struct{}, maxParallel), notes: map[string]int{}}
	if err := s.contact(ctx); err != nil {
		return nil, explain(t, err)
	}
	r := &Report{Addr: t.Addr, SNI: t.SNI, Time: begin.UTC(), NotTested: notTested}
	s.shake(ctx, r)
	s.refine(ctx, r)
	if err := ended(ctx); err != nil {
		return nil, explain(t, err)
	}
	r.Notes, r.Incomplete = s.summary()
	r.grade()
	r.Took = time.Since(begin)
	return r, nil
}

// ended is why ctx is over. A connection's deadline can fire a moment before
// the context's own timer does.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return context.Cause(ctx)
}

// scanner makes the handshakes of one scan.
type scanner struct {
	t     Target
	slots chan struct{}

	mu       sync.Mutex
	silences int
	notes    map[string]int
}

// contact is the first handshake: a server that does not answer it in TLS is
// not scanned.
func (s *scanner) contact(ctx context.Context) error {
	var suites []Code
	for _, c := range tls.CipherSuites() {
		suites = append(suites, Code(c.ID))
	}
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	_, err := exchange(ctx, s.t.Addr, newHello(s.t, tls.VersionTLS12, suites), false)
	if over := ended(ctx); over != nil && err != nil {
		return over // the end closes the connection, which looks like a hangup
	}
	if isRefusal(err) || isHangup(err) {
		return nil
	}
	return err
}

// shake does what needs no earlier result, all at once.
func (s *scanner) shake(ctx context.Context, r *Report) {
	var all sync.WaitGroup
	r.Versions = make([]Version, len(versionNames))
	for i, v := range versionNames {
		all.Go(func() { r.Versions[i] = s.versionOf(ctx, v.code, v.name) })
	}
	var groups []Code
	all.Go(func() { groups = s.groups13(ctx) })
	all.Go(func() { r.Certificates = s.certificates(ctx) })
	var h2, h1 bool
	all.Go(func() { h2 = s.speaksH2(ctx) })
	if !s.t.Silent {
		all.Go(func() { r.HTTP, h1 = s.http(ctx, r) })
	}
	if s.t.HTTPAddr != "" {
		all.Go(func() { r.Redirect = s.redirect(ctx) })
	}
	all.Wait()
	r.addGroups(groups, true)
	r.Features.ALPN = []string{}
	if h2 {
		r.Features.ALPN = append(r.Features.ALPN, "h2")
	}
	if h1 {
		r.Features.ALPN = append(r.Features.ALPN, "http/1.1")
	}
}

// refine does what needs to know a suite and a version that work.
func (s *scanner) refine(ctx context.Context, r *Report) {
	old, second := newestOld(r), secondBest(r) // copies: order sorts the suites meanwhile
	var all sync.WaitGroup
	for i := range r.Versions {
		if v := &r.Versions[i]; len(v.Suites) > 1 {
			all.Go(func() { s.order(ctx, v) })
		}
	}
	if second != nil {
		all.Go(func() { s.fallback(ctx, &r.Features, *second) })
	}
	if old != nil {
		codes := ids(old.Suites)
		var groups []Code
		all.Go(func() { groups = s.groups12(ctx, *old, codes) })
		all.Go(func() { r.DHBits = s.dhBits(ctx, *old) })
		all.Go(func() { s.features(ctx, &r.Features, uint16(old.Code), codes) })
		if len(r.Certificates) == 0 {
			all.Go(func() { r.Certificates = s.rawCertificates(ctx, uint16(old.Code), codes) })
		}
		defer func() { r.addGroups(groups, false) }()
	}
	all.Wait()
}

// newestOld is the newest supported version before TLS 1.3.
func newestOld(r *Report) *Version {
	for _, code := range []uint16{tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10, versionSSL30} {
		if v := r.version(code); v != nil {
			return &Version{Name: v.Name, Code: v.Code, Suites: slices.Clone(v.Suites)}
		}
	}
	return nil
}

// ask makes one handshake and returns nil when the server declined, or
// answered with something that was not offered.
func (s *scanner) ask(ctx context.Context, h hello, flight bool) *reply {
	if !s.acquire(ctx) {
		return nil
	}
	defer func() { <-s.slots }()
	r, err := s.exchange(ctx, h, flight)
	if isHangup(err) { // perhaps only a full queue of the server
		r, err = s.exchange(ctx, h, flight)
	}
	if err != nil {
		s.note(err)
		return nil
	}
	if r.version != h.version {
		return nil
	}
	if !slices.Contains(h.suites, r.suite) || r.group != 0 && !slices.Contains(h.groups, r.group) {
		s.note(fmt.Errorf("%w: suite %v or group %v was not offered", errMalformed, r.suite, r.group))
		return nil
	}
	return r
}

func (s *scanner) exchange(ctx context.Context, h hello, flight bool) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	return exchange(ctx, s.t.Addr, h, flight)
}

// acquire takes a slot, unless the scan is over or has given up.
func (s *scanner) acquire(ctx context.Context) bool {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silences >= maxSilences {
		<-s.slots
		return false
	}
	return true
}

// note counts what is no answer. To decline is one.
func (s *scanner) note(err error) {
	if isRefusal(err) || isHangup(err) {
		return
	}
	if isTimeout(err) {
		s.remark("no answer within "+DefaultTimeout.String(), 1)
		return
	}
	s.remark(err.Error(), 0)
}

// remark adds to the notes, and to the silences.
func (s *scanner) remark(text string, silences int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes[text]++
	s.silences += silences
}

// summary are the notes, and whether the scan gave up.
func (s *scanner) summary() (notes []string, incomplete bool) {
	for text, n := range s.notes {
		if n > 1 {
			text = fmt.Sprintf("%s (%d handshakes)", text, n)
		}
		notes = append(notes, text)
	}
	slices.Sort(notes)
	return notes, s.silences >= maxSilences
}
