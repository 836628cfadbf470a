package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"math"
	"time"
)

// pruneRows and pruneRawRows are how many lines one transaction deletes, so that
// others get their turn and the write-ahead log stays short.
const (
	pruneRows    = 20_000
	pruneRawRows = 1_000 // they may be long
)

// Prune deletes the requests of all whole days (UTC) before olderThan and
// returns how many lines went. A day that still has lines to be shipped stays
// whole. The ledger stays, so that what was pruned is not imported again.
func (s *Store) Prune(ctx context.Context, olderThan time.Time) (int64, error) {
	limit := olderThan.Unix() / secondsPerDay
	var total int64
	for {
		n, err := s.pruneOldest(ctx, wholeDays, limit, pruneRows)
		total += n
		if err != nil {
			return total, err
		}
		if n == 0 {
			break
		}
	}
	for {
		n, err := s.pruneRaw(ctx, limit*secondsPerDay, pruneRawRows)
		total += n
		if err != nil {
			return total, err
		}
		if n == 0 {
			break
		}
	}
	if total == 0 {
		return 0, nil
	}
	return total, s.pruneWords(ctx)
}

// Which days may lose requests: those without a line that waits to be shipped,
// or those with one that does not wait.
const (
	wholeDays = `SELECT day FROM day_rows d WHERE day < ? AND NOT EXISTS (
		SELECT 1 FROM pending p CROSS JOIN request r ON r.id = p.id
		WHERE p.id BETWEEN d.first AND d.last AND r.ts / 86400 = d.day) ORDER BY day LIMIT 1`
	anyDay = `SELECT day FROM day_rows d WHERE day < ? AND EXISTS (
		SELECT 1 FROM request r WHERE r.id BETWEEN d.first AND d.last AND r.ts / 86400 = d.day
		AND r.id NOT IN (SELECT id FROM pending)) ORDER BY day LIMIT 1`
)

// someRows are the requests of day ?1 between the ids ?2 and ?3 that do not wait.
const someRows = ` FROM request WHERE id BETWEEN ?2 AND ?3 AND ts / 86400 = ?1 AND id NOT IN (SELECT id FROM pending)`

// pruneOldest deletes up to most requests of the oldest day before limit
// that days selects, and takes them out of the roll-ups.
func (s *Store) pruneOldest(ctx context.Context, days string, limit, most int64) (n int64, err error) {
	if err := s.roomInWAL(ctx); err != nil {
		return 0, err
	}
	err = s.write(ctx, func() error {
		n = 0
		day, found, err := s.oldest(days, limit)
		if err != nil || !found {
			return err
		}
		var first, last int64
		err = s.query(func(row []driver.Value) error {
			first, _ = row[0].(int64)
			last, _ = row[1].(int64)
			return nil
		}, `SELECT min(id), max(id) FROM (SELECT r.id FROM day_rows d, request r
			WHERE d.day = ?1 AND r.id BETWEEN d.first AND d.last AND r.ts / 86400 = ?1
			AND r.id NOT IN (SELECT id FROM pending) ORDER BY r.id LIMIT ?2)`, day, most)
		if err != nil {
			return err
		}
		if n, err = s.uncount(day, first, last); err != nil {
			return err
		}
		if _, err := s.exec(`DELETE`+someRows, day, first, last); err != nil {
			return err
		}
		return s.tidyRollups(day)
	})
	return n, err
}

// oldest is the first day before limit that days selects.
func (s *Store) oldest(days string, limit int64) (day int64, found bool, err error) {
	list, err := s.ids(days, limit)
	if err != nil || len(list) == 0 {
		return 0, false, err
	}
	return list[0], true, nil
}

// one returns the number that sql finds, 0 for none.
func (s *Store) one(sql string, args ...driver.Value) (n int64, err error) {
	err = s.query(func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	}, sql, args...)
	return n, err
}

// uncount takes someRows out of the roll-ups, and returns how many they are.
func (s *Store) uncount(day, first, last int64) (n int64, err error) {
	t := newTally()
	err = s.query(func(row []driver.Value) error {
		var hour, combo, ua, count int64
		if err := read(row, &hour, &combo, &ua, &count); err != nil {
			return err
		}
		t.hours[[2]int64{hour, combo}] -= count
		t.agents[[3]int64{day, combo, ua}] -= count
		n += count
		return nil
	}, `SELECT ts / 3600, combo, ua, count(*)`+someRows+` GROUP BY 1, 2, 3`, day, first, last)
	if err != nil {
		return 0, err
	}
	t.days[day] = &dayRows{first: math.MaxInt64, n: -n} // tidyRollups finds the new first
	return n, t.write(s)
}

// tidyRollups deletes what counts nothing any more of day, and finds anew
// between which ids its requests lie.
func (s *Store) tidyRollups(day int64) error {
	for _, sql := range []string{
		`DELETE FROM day_combo WHERE day = ? AND n = 0`,
		`DELETE FROM day_combo_ua WHERE day = ? AND n = 0`,
		`DELETE FROM day_rows WHERE day = ? AND n = 0`,
		`UPDATE day_rows SET
			first = (SELECT id FROM request WHERE id >= first AND ts / 86400 = day ORDER BY id LIMIT 1),
			last = (SELECT id FROM request WHERE id <= last AND ts / 86400 = day ORDER BY id DESC LIMIT 1)
			WHERE day = ?`,
	} {
		if _, err := s.exec(sql, day); err != nil {
			return err
		}
	}
	_, err := s.exec(`DELETE FROM hour_combo WHERE hour BETWEEN ? AND ? AND n = 0`, 24*day, 24*day+23)
	return err
}

// pruneRaw deletes up to most lines of no format from before that second.
func (s *Store) pruneRaw(ctx context.Context, before, most int64) (n int64, err error) {
	if err := s.roomInWAL(ctx); err != nil {
		return 0, err
	}
	err = s.write(ctx, func() error {
		ids, err := s.ids(`SELECT id FROM raw WHERE ts < ? AND id NOT IN (SELECT id FROM pending) ORDER BY id LIMIT ?`,
			before, most)
		if err != nil {
			return err
		}
		n = int64(len(ids))
		return s.among(`DELETE FROM raw WHERE id IN (SELECT value FROM json_each(?))`, ids)
	})
	return n, err
}

func (s *Store) ids(sql string, args ...driver.Value) (ids []int64, err error) {
	err = s.query(func(row []driver.Value) error {
		var id int64
		err := read(row, &id)
		ids = append(ids, id)
		return err
	}, sql, args...)
	return ids, err
}

// among runs sql with ids as its first argument.
func (s *Store) among(sql string, ids []int64, args ...driver.Value) error {
	list, err := json.Marshal(ids)
	if err == nil && len(ids) > 0 {
		_, err = s.exec(sql, append([]driver.Value{string(list)}, args...)...)
	}
	return err
}
