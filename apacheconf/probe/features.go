package probe

import (
	"context"
	"crypto/tls"
)

// features reads what a ServerHello before TLS 1.3 tells beside the suite.
func (s *scanner) features(ctx context.Context, r *Report, version uint16, suites []Code) {
	plain := newHello(s.t, version, suites)
	reply := s.ask(ctx, plain, false)
	if reply == nil {
		return
	}
	f := &r.Features
	f.SecureRenegotiation = new(reply.has(extRenegotiation))
	f.ExtendedMaster = new(reply.has(extEMS))
	f.Tickets12 = new(reply.has(extSessionTicket))
	f.SessionIDs = new(reply.sessionID)

	compressing := plain
	compressing.compression = []byte{1} // DEFLATE
	if reply := s.ask(ctx, compressing, false); reply != nil {
		f.Compression = reply.compression != 0
	}
	s.fallback(ctx, r)
}

// fallback offers less than the server's best with TLS_FALLBACK_SCSV: a server
// that knows it declines (RFC 7507).
func (s *scanner) fallback(ctx context.Context, r *Report) {
	var supported []Version
	for _, v := range r.Versions {
		if v.Supported && v.Code < tls.VersionTLS13 {
			supported = append(supported, v)
		}
	}
	best := r.version(tls.VersionTLS13) != nil
	if len(supported) == 0 || len(supported) == 1 && !best {
		return
	}
	v := supported[len(supported)-1]
	if !best {
		v = supported[len(supported)-2]
	}
	h := newHello(s.t, uint16(v.Code), ids(v.Suites))
	h.fallback = true
	r.Features.FallbackSCSV = new(s.ask(ctx, h, false) == nil)
}
