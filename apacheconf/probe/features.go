package probe

import (
	"context"
	"crypto/tls"
	"slices"
)

// features reads what a ServerHello before TLS 1.3 tells beside the suite.
func (s *scanner) features(ctx context.Context, f *Features, version uint16, suites []Code) {
	plain := newHello(s.t, version, suites)
	reply := s.ask(ctx, plain, false)
	if reply == nil {
		return
	}
	f.SecureRenegotiation = new(reply.has(extRenegotiation))
	f.ExtendedMaster = new(reply.has(extEMS))
	f.Tickets12 = new(reply.has(extSessionTicket))
	f.SessionIDs = new(reply.sessionID)

	compressing := plain
	compressing.compression = []byte{1} // DEFLATE
	if reply := s.ask(ctx, compressing, false); reply != nil {
		f.Compression = reply.compression != 0
	}
}

// fallback offers a version that is not the server's best with
// TLS_FALLBACK_SCSV: a server that knows it declines (RFC 7507).
func (s *scanner) fallback(ctx context.Context, f *Features, v Version) {
	h := newHello(s.t, uint16(v.Code), ids(v.Suites))
	h.fallback = true
	f.FallbackSCSV = new(s.ask(ctx, h, false) == nil)
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
