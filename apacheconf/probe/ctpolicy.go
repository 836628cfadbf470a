package probe

import "time"

// ctPolicyAsOf is when Chrome's policy was last read for what stands here:
// https://googlechrome.github.io/CertificateTransparency/ct_policy.html. Its
// demand for a log of RFC 6962 among the logs is left out: Chrome has announced
// to drop it, and Let's Encrypt's own logs are all of the newer kind.
const ctPolicyAsOf = "2026-11-22"

const (
	policyMet     = "yes"
	policyNotMet  = "no"
	policyUnclear = "unknown"
)

// newCTPolicy applies Chrome's policy: SCTs in the certificate from two
// different logs for a lifetime up to 180 days, else from three; or, by TLS and
// OCSP together, from two; and always of two operators.
func newCTPolicy(scts []SCT, lifetime time.Duration, list time.Time, stale bool) *CTPolicy {
	p := &CTPolicy{Need: 2, LogList: list, Stale: stale, AsOf: ctPolicyAsOf, Met: policyNotMet}
	if lifetime > 180*24*time.Hour {
		p.Need = 3
	}
	embedded := tally(scts, func(s SCT) bool { return s.Source == sctInCertificate })
	sent := tally(scts, func(s SCT) bool { return s.Source != sctInCertificate && s.LogState != "retired" })
	p.Valid, p.Operators = len(embedded.logs), len(embedded.operators)
	if len(sent.logs) > len(embedded.logs) {
		p.Need, p.Valid, p.Operators = 2, len(sent.logs), len(sent.operators)
	}
	switch {
	case embedded.current && embedded.satisfies(p.Need), sent.satisfies(2):
		p.Met = policyMet
	case stale && embedded.unknown+sent.unknown > 0, embedded.unchecked+sent.unchecked > 0:
		p.Met = policyUnclear
	}
	return p
}

// ctTally counts the valid SCTs of one way of delivery.
type ctTally struct {
	logs, operators    map[string]bool
	current            bool // one log at least has not retired
	unknown, unchecked int
}

func tally(scts []SCT, of func(SCT) bool) ctTally {
	t := ctTally{logs: map[string]bool{}, operators: map[string]bool{}}
	for _, s := range scts {
		switch {
		case !of(s):
		case s.Verified == sctUnknownLog:
			t.unknown++
		case s.Verified == sctUnchecked:
			t.unchecked++
		case s.Verified == sctValid && s.counts:
			t.logs[s.LogID], t.operators[s.Operator] = true, true
			t.current = t.current || s.LogState != "retired"
		}
	}
	return t
}

func (t ctTally) satisfies(need int) bool { return len(t.logs) >= need && len(t.operators) >= 2 }
