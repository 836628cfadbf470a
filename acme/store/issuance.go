package store

import (
	"slices"
	"time"
)

// GuardPeriod is how long after an issuance another one for the same names is
// refused. Let's Encrypt allows 5 in 7 days, one back every 34 hours.
const GuardPeriod = 24 * time.Hour

// GuardWeek is how long an issuance counts among the last ones.
const GuardWeek = 7 * 24 * time.Hour

// Issuance is a trace of one certificate that is pruned already.
type Issuance struct {
	Names     []string      `json:"names"`
	Directory string        `json:"directory"`
	At        time.Time     `json:"at"`
	Lifetime  time.Duration `json:"lifetime,omitempty"` // 0 where it was not noted
}

func (g Generation) Issuance() Issuance {
	return Issuance{g.Meta.Names, g.Meta.Directory, g.Meta.Issued, g.Leaf.NotAfter.Sub(g.Leaf.NotBefore)}
}

// Period is guardPeriod, or a third of a lifetime that is shorter: renewals by
// schedule are half of it apart, less what the CA dates it back.
func (i Issuance) Period() time.Duration {
	if i.Lifetime <= 0 {
		return GuardPeriod
	}
	return min(GuardPeriod, i.Lifetime/3)
}

// OfAge tells that an issuance is about as old as a schedule lets it get. Then
// however many there were before, the next one is not a loop.
func (i Issuance) OfAge() bool {
	return i.Lifetime > 0 && time.Since(i.At) >= i.Lifetime*2/5
}

// recent leaves out what counts no more, after guardWeek or a lifetime that is
// shorter, and what a clock that was ahead has dated.
func (i Issuance) recent() bool {
	age, most := time.Since(i.At), GuardWeek
	if i.Lifetime > 0 {
		most = min(most, i.Lifetime)
	}
	return age < most && age > -i.Period()
}

// recent lists what of a certificate was issued recently. The search
// ends at the first old one: most certificates are old.
func (s *Store) recent(cert Certificate) []Issuance {
	var found []Issuance
	numbers, _ := s.numbers(cert.Name)
	for _, n := range slices.Backward(numbers) {
		g, err := s.Generation(cert.Name, n)
		if err != nil || !g.Issuance().recent() {
			break
		}
		found = append(found, g.Issuance())
	}
	for _, i := range cert.State.Pruned {
		if i.recent() {
			found = append(found, i)
		}
	}
	return found
}

func SameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// Succeeded notes that this CA has issued. What another one asked for stays.
func (s *State) Succeeded(directory string) {
	s.Failures, s.LastError, s.LastErrorAt, s.NotBefore = 0, "", time.Time{}, time.Time{}
	delete(s.Pauses, directory)
}
