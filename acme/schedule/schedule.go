// Package schedule is the question when to renew a certificate (RFC 9773 and
// the lifetime rule), and how long to wait after a failure. It is pure: no
// file, no network, and the time is passed in. It imports nothing of ours but
// mechanisms.
package schedule

import (
	"crypto/x509"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Decision says when a certificate is to be renewed.
type Decision struct {
	Due    bool
	At     time.Time
	Reason string // "ari", "ari window moved", "lifetime"
}

// Due decides about a certificate. It is pure. ari may be nil, and is ignored
// when it is about another certificate.
//
// A window from the CA decides, as RFC 9773 section 4.2 asks, within limits: a
// CA's mistake must not let a certificate expire, so not later than half of
// what the lifetime rule would leave. Without one it is the lifetime rule.
func Due(cert *x509.Certificate, now time.Time, ari *ARI) Decision {
	d := Decision{At: byLifetime(cert), Reason: "lifetime"}
	if ari != nil && ari.CertID == CertID(cert) && !ari.Chosen.IsZero() {
		latest := cert.NotAfter.Add(-LastReserve(cert))
		d.At, d.Reason = ari.Chosen, "ari"
		if ari.Moved {
			d.Reason = "ari window moved"
		}
		if d.At.After(latest) {
			d.At, d.Reason = latest, "lifetime"
		}
	}
	d.Due = !now.Before(d.At)
	return d
}

// shortLifetime separates the two rules of letsencrypt.org/docs/integration-guide:
// a third of the lifetime is left at renewal, or half of it below ten days.
const shortLifetime = 10 * 24 * time.Hour

func reserve(lifetime time.Duration) time.Duration {
	if lifetime < shortLifetime {
		return lifetime / 2
	}
	return lifetime / 3
}

// LastReserve is what may be left of a lifetime before time gets short: a
// sixth, or a quarter below ten days.
func LastReserve(cert *x509.Certificate) time.Duration {
	return reserve(cert.NotAfter.Sub(cert.NotBefore)) / 2
}

// byLifetime is the lifetime rule, less up to 2 % of the lifetime that differ
// between certificates and not between calls.
func byLifetime(cert *x509.Certificate) time.Time {
	lifetime := cert.NotAfter.Sub(cert.NotBefore)
	at := cert.NotAfter.Add(-reserve(lifetime))
	spread := int64(lifetime / 50)
	if spread <= 0 {
		return at
	}
	h := fnv.New64a()
	h.Write(cert.SerialNumber.Bytes())
	return at.Add(-time.Duration(int64(h.Sum64()>>1) % spread))
}

// The steps of our own back-off (letsencrypt.org/docs/integration-guide): a
// minute, ten, a hundred, then an eighth of what is left, a day at most.
var backoffSteps = []time.Duration{time.Minute, 10 * time.Minute, 100 * time.Minute}

const MaxBackoff = 24 * time.Hour

// hopeless failures of a certificate that was never issued make it a daily
// try: half of all requests to Let's Encrypt come from hosts whose orders
// never succeed (letsencrypt.org/2025/06/04). An expired one is another matter.
const hopeless = 10

// Backoff is how long to wait after so many failures in a row (1 is the
// first), with remaining until the certificate expires: below 0 where it has, 0
// where there is none. It is never less than a minute, jittered by up to a
// tenth, and no count overflows it.
func Backoff(failures int, remaining time.Duration) time.Duration {
	var wait time.Duration
	if failures <= len(backoffSteps) {
		wait = backoffSteps[max(failures, 1)-1]
	} else {
		last := backoffSteps[len(backoffSteps)-1]
		wait = min(MaxBackoff, max(last, remaining/8))
		switch {
		case remaining == 0 && failures > hopeless:
			wait = MaxBackoff
		case remaining <= 0:
			wait = last
		}
	}
	return wait + rand.N(wait/10)
}
