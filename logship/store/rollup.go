package store

import (
	"cmp"
	"maps"
	"slices"
)

const (
	secondsPerHour = 3600
	secondsPerDay  = 86400
)

// tally counts the requests of one transaction for the roll-ups, so that each
// row of a roll-up is written once and in key order.
type tally struct {
	hours  map[[2]int64]int64 // hour, combo
	agents map[[3]int64]int64 // day, combo, user agent
	days   map[int64]*dayRows
}

type dayRows struct{ first, last, n int64 }

func newTally() *tally {
	return &tally{map[[2]int64]int64{}, map[[3]int64]int64{}, map[int64]*dayRows{}}
}

func (t *tally) add(id, ts, combo, ua int64) {
	t.hours[[2]int64{ts / secondsPerHour, combo}]++
	day := ts / secondsPerDay
	t.agents[[3]int64{day, combo, ua}]++
	d := t.days[day]
	if d == nil {
		d = &dayRows{first: id}
		t.days[day] = d
	}
	d.last = id
	d.n++
}

// write adds the counts to the roll-up tables.
func (t *tally) write(s *Store) error {
	const add = "ON CONFLICT DO UPDATE SET n = n + excluded.n"
	hours := newBulk(s, "hour_combo", 3, add)
	days := map[[2]int64]int64{}
	for _, k := range sorted(t.hours, func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) }) {
		days[[2]int64{k[0] / 24, k[1]}] += t.hours[k]
		if err := hours.add(k[0], k[1], t.hours[k]); err != nil {
			return err
		}
	}
	combos := newBulk(s, "day_combo", 3, add)
	for _, k := range sorted(days, func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) }) {
		if err := combos.add(k[0], k[1], days[k]); err != nil {
			return err
		}
	}
	agents := newBulk(s, "day_combo_ua", 4, add)
	for _, k := range sorted(t.agents, func(a, b [3]int64) int { return slices.Compare(a[:], b[:]) }) {
		if err := agents.add(k[0], k[1], k[2], t.agents[k]); err != nil {
			return err
		}
	}
	rows := newBulk(s, "day_rows", 4,
		"ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), n = n + excluded.n")
	for _, day := range sorted(t.days, cmp.Compare[int64]) {
		d := t.days[day]
		if err := rows.add(day, d.first, d.last, d.n); err != nil {
			return err
		}
	}
	return cmp.Or(hours.flush(), combos.flush(), agents.flush(), rows.flush())
}

func sorted[K comparable, V any](m map[K]V, order func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), order)
}
