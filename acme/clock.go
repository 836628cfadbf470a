package acme

import "time"

// credible returns a time of waiting that we wrote down, or zero where it is
// further away than we ever wait: a clock that was ahead has written it, and
// has been set right. Kept, it could outlast the certificate.
func credible(until time.Time, longest time.Duration) time.Time {
	if time.Until(until) > longest {
		return time.Time{}
	}
	return until
}
