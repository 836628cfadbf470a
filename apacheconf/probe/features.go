package probe

import (
	"context"
	"crypto/tls"
	"slices"
)

// features reads what a ServerHello before TLS 1.3 tells beside the suite.
func (s *scanner) features(ctx context.Context, f *Features, version uint16, suites []Code) {
	plain := newHello(s.t, version, suites)
	reply, err := s.ask(ctx, openRenegotiation, plain, false)
	if err != nil { // also where it declines now what it has accepted
		s.leave(openRenegotiation, versionName(version), err)
		s.leave(openCompression, versionName(version), err)
		return
	}
	f.SecureRenegotiation = new(reply.has(extRenegotiation))
	f.ExtendedMaster = new(reply.has(extEMS))
	f.Tickets12 = new(reply.has(extSessionTicket))
	f.SessionIDs = new(reply.sessionID)

	compressing := plain
	compressing.compression = []byte{1} // DEFLATE
	reply, err = s.ask(ctx, openCompression, compressing, false)
	switch {
	case err == nil:
		f.Compression = reply.compression != 0
	case !isNo(err):
		s.leave(openCompression, versionName(version), err)
	}
}

// fallback offers a version that is not the server's best with
// TLS_FALLBACK_SCSV: a server that knows it declines (RFC 7507).
func (s *scanner) fallback(ctx context.Context, f *Features, v Version) {
	h := newHello(s.t, uint16(v.Code), ids(v.Suites))
	h.fallback = true
	_, err := s.ask(ctx, openFallback, h, false)
	if !isAnswer(err) {
		s.leave(openFallback, v.Name, err)
		return
	}
	f.FallbackSCSV = new(isNo(err))
}

// secondBest is the newest supported version that is not the best one and
// older than TLS 1.3, with suites of its own; nil where there is none.
func secondBest(r *Report) *Version {
	best := true
	for i := len(r.Versions) - 1; i >= 0; i-- {
		v := r.Versions[i]
		if v.Supported && !best && v.Code < tls.VersionTLS13 {
			v.Suites = slices.Clone(v.Suites)
			return &v
		}
		best = best && !v.Supported
	}
	return nil
}
