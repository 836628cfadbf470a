package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// versionNames are the versions that are tried, named as Apache's log does.
var versionNames = []struct {
	code uint16
	name string
}{
	{versionSSL30, "SSLv3"}, {tls.VersionTLS10, "TLSv1"}, {tls.VersionTLS11, "TLSv1.1"},
	{tls.VersionTLS12, "TLSv1.2"}, {tls.VersionTLS13, "TLSv1.3"},
}

func versionName(code uint16) string {
	for _, v := range versionNames {
		if v.code == code {
			return v.name
		}
	}
	return Code(code).String()
}

// Scan finds out what the server supports and judges it. It makes some 40
// handshakes and one more for each suite and group that the server accepts,
// at the pace of t.Pace; none is completed except those that ask for
// certificates and headers.
//
// It fails when the server cannot be reached, does not answer, or does not
// speak TLS. What it leaves open later is in Report.Unknown: silence is not a
// no, and there is no grade while something is open that decides it.
func Scan(ctx context.Context, t Target) (*Report, error) {
	begin := time.Now()
	t.Pace = t.Pace.filled()
	s := newScanner(t)
	limited, cancel := context.WithTimeout(ctx, t.Pace.Limit)
	defer cancel()
	if err := s.find(limited); err != nil {
		return nil, explain(t, cmp.Or(ended(ctx), err)) // the end closes the connection, which looks like a hangup
	}
	r := &Report{Addr: t.Addr, Address: hostOf(s.t.Addr), SNI: t.SNI, Time: begin.UTC(), NotTested: notTested}
	s.shake(limited, r)
	s.refine(limited, r)
	s.doubt(limited, r)
	if err := ended(ctx); err != nil {
		return nil, explain(t, err)
	}
	r.Notes, r.Unknown = s.summary(), s.unknown()
	if r.Incomplete = len(r.Unknown) > 0; r.Incomplete {
		r.Next = advice(t)
	}
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
	t       Target // Addr is one address
	host    string // of a request
	pacer   *pacer
	slots   chan struct{}
	control *control // set by contact
	// gone is why nothing more is asked of a server that has stopped answering.
	gone atomic.Pointer[error]

	// alone is held by who asks again: nothing else is open then. It guards what
	// follows.
	alone    sync.RWMutex
	stuck    map[string]error // topics with a question that stays open
	hangups  int              // noes that were hangups
	unsteady bool             // the server hung up on what it answered when asked again

	mu    sync.Mutex
	notes map[string]int
	open  []Unknown
}

func newScanner(t Target) *scanner {
	s := &scanner{
		host: cmp.Or(t.SNI, t.Addr), pacer: &pacer{timeout: t.Pace.Timeout},
		slots: make(chan struct{}, t.Pace.Parallel), stuck: map[string]error{}, notes: map[string]int{},
	}
	t.pacer = s.pacer
	s.t = t
	if t.Pace.Slow {
		s.pacer.slow(t.Pace.Pause)
	}
	return s
}

// control is a ClientHello that the server has answered.
type control struct {
	hello
	declined bool // the answer was a no
}

// contact looks for a ClientHello that the server answers, best with a
// ServerHello: a server that answers none in TLS is not scanned.
func (s *scanner) contact(ctx context.Context) error {
	var suites []Code
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, Code(c.ID))
	}
	var err error
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS10, versionSSL30} {
		h := newHello(s.t, version, suites)
		_, err = exchange(ctx, s.t, h, false)
		switch {
		case err == nil:
			s.control = &control{hello: h}
			return nil
		case isNo(err):
			s.control = cmp.Or(s.control, &control{h, true})
		case !isFaint(err):
			return err
		}
	}
	if s.control != nil {
		return nil
	}
	return err
}

// doubt looks back for what makes every no of this server worthless.
func (s *scanner) doubt(ctx context.Context, r *Report) {
	if s.unsteady && s.hangups > 0 {
		s.leaveRefusals(r, "the server closes connections at random, so that a closed one is not a no")
	}
	if s.gone.Load() != nil {
		return
	}
	err := s.put(ctx, "control", func(ctx context.Context) error {
		_, err := exchange(ctx, s.t, s.control.hello, false)
		return err
	})
	switch {
	case !isAnswer(err):
		s.leaveRefusals(r, "in the end the server does not answer any more what it answered in the beginning")
	case isNo(err) != s.control.declined:
		s.leaveRefusals(r, "in the end the server answers otherwise to what it was asked in the beginning")
	}
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

// note adds what is worth telling and decides nothing.
func (s *scanner) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes[text]++
}

// summary are the notes, each with how often it was made.
func (s *scanner) summary() (notes []string) {
	for text, n := range s.notes {
		if n > 1 {
			text = fmt.Sprintf("%s (%d handshakes)", text, n)
		}
		notes = append(notes, text)
	}
	slices.Sort(notes)
	return notes
}
