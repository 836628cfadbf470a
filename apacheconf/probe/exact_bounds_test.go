package probe

import (
	"testing"
	"time"
)

// Each bound of table 1 of the guide, from both sides.
func TestLettersAtTheirBounds(t *testing.T) {
	for score, want := range map[int]string{
		100: "A", 80: "A", 79: "B", 65: "B", 64: "C", 50: "C", 49: "D", 35: "D", 34: "E", 20: "E", 19: "F", 0: "F",
	} {
		if got := letterOf(score); got != want {
			t.Errorf("a score of %d is %s, want %s", score, got, want)
		}
	}
}

// Six months are 15,768,000 seconds, and these are long enough.
func TestSixMonthsOfHSTS(t *testing.T) {
	for age, want := range map[int64]string{15768000: "A+", 15767999: "A-", 15768001: "A+"} {
		r := reported("ECDSA P-384", 384, age, map[string]string{"TLSv1.2": good12, "TLSv1.3": good13})
		if r.Grade.Letter != want {
			t.Errorf("max-age %d: %s, want %s (%v)", age, r.Grade.Letter, want, r.Grade.Reasons)
		}
	}
}

// Chrome asks for a third SCT where a certificate lives longer than 180 days;
// at exactly 180 two do.
func TestThirdSCTAfter180Days(t *testing.T) {
	const half = 180 * 24 * time.Hour
	for lifetime, want := range map[time.Duration]int{half: 2, half + time.Second: 3, half - time.Second: 2, 90 * 24 * time.Hour: 2, 398 * 24 * time.Hour: 3} {
		if got := newCTPolicy(nil, lifetime, time.Now(), false).Need; got != want {
			t.Errorf("a lifetime of %v needs %d SCTs, want %d", lifetime, got, want)
		}
	}
}
