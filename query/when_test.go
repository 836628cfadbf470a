package query

import (
	"testing"
	"time"
)

func TestWhen(t *testing.T) {
	zone := time.FixedZone("", 7200)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, zone)
	for word, want := range map[string]time.Time{
		"":                     {},
		"2026-11-01":           time.Date(2026, 11, 1, 0, 0, 0, 0, zone),
		"2026-11-01 08:30":     time.Date(2026, 11, 1, 8, 30, 0, 0, zone),
		"2026-11-01T08:30:05":  time.Date(2026, 11, 1, 8, 30, 5, 0, zone),
		"2026-11-01T08:30:05Z": time.Date(2026, 11, 1, 8, 30, 5, 0, time.UTC),
		"30d":                  now.AddDate(0, 0, -30),
		"2w":                   now.AddDate(0, 0, -14),
		"90m":                  now.Add(-90 * time.Minute),
	} {
		if got, err := When(word, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v; want %v", word, got, err, want)
		}
	}
	for _, word := range []string{"yesterday", "-3d", "-1h", "2026-13-01", "d", "1e9d", "999999999d"} {
		if got, err := When(word, now); err == nil {
			t.Errorf("%q: taken as %v", word, got)
		}
	}
}
