package plan

import (
	"testing"
	"time"
)

// Who asks for two years gets five minutes first; nobody skips a step, and each
// holds for as long as browsers were told to remember it.
func TestHSTSStep(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		have  string
		since time.Duration // ago
		want  string
		step  string
		next  time.Duration // from now; 0: the goal is reached
	}{
		{"", 0, "off", "off", 0},
		{"off", 0, "5m", "5m", 0},
		{"off", 0, "2y", "5m", 5 * time.Minute},
		{"5m", time.Minute, "2y", "5m", 4 * time.Minute},
		{"5m", 5 * time.Minute, "2y", "1w", 7 * 24 * time.Hour},
		{"1w", 6 * 24 * time.Hour, "6mo", "1w", 24 * time.Hour},
		{"1w", 8 * 24 * time.Hour, "6mo", "6mo", 0},
		{"6mo", time.Hour, "2y", "2y", 0},
		{"2y", time.Hour, "2y", "2y", 0},
		{"2y", time.Hour, "off", "off", 0},
		{"1w", time.Second, "5m", "5m", 0},
	} {
		step, next := hstsStep(c.have, now.Add(-c.since), c.want, now)
		if step != c.step || c.next == 0 != next.IsZero() || c.next > 0 && !next.Equal(now.Add(c.next)) {
			t.Errorf("%s for %v, asked for %s: %s, next %v; want %s, %v", c.have, c.since, c.want, step, next, c.step, c.next)
		}
	}
}
