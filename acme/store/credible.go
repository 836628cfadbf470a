package store

import "time"

// Credible returns a time of waiting that we wrote down, or zero where it is
// further away than we ever wait: a clock that was ahead has written it, and
// has been set right. Kept, it could outlast the certificate.
func Credible(until time.Time, longest time.Duration) time.Time {
	if time.Until(until) > longest {
		return time.Time{}
	}
	return until
}

// MaxRetryAfter bounds what a CA's Retry-After can mean, so that no number
// overflows and no typing error of a CA stops us for ever.
const MaxRetryAfter = 7 * 24 * time.Hour
