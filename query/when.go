package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts of a moment, in the time zone of the host where none is given.
var layouts = []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// When reads a moment as a person types it: a date, a date and a time (RFC 3339
// with a zone, or without one in that of now), or how long before now: 90m, 24h,
// 30d, 2w. An empty word is the zero time.
func When(word string, now time.Time) (time.Time, error) {
	if word == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, word); err == nil {
		return t, nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, word, now.Location()); err == nil {
			return t, nil
		}
	}
	for unit, days := range map[string]int{"d": 1, "w": 7} {
		if n, err := strconv.Atoi(strings.TrimSuffix(word, unit)); err == nil && strings.HasSuffix(word, unit) && n >= 0 && n < 100_000 {
			return now.AddDate(0, 0, -n*days), nil
		}
	}
	if d, err := time.ParseDuration(word); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q: want a date such as 2006-01-02, a date and time, or 24h, 30d, 2w", word)
}
