package store

import (
	"context"
	"database/sql/driver"
	"time"
)

// Prune deletes the requests of all whole days (UTC) before olderThan and
// returns how many lines went. A day that still has lines to be shipped stays
// whole. The ledger stays, so that what was pruned is not imported again. Each
// day is a transaction of its own.
func (s *Store) Prune(ctx context.Context, olderThan time.Time) (int64, error) {
	limit := olderThan.Unix() / secondsPerDay
	var total int64
	for {
		n, more, err := s.pruneDay(ctx, limit)
		total += n
		if err != nil {
			return total, err
		}
		if !more {
			break
		}
	}
	n, err := s.pruneRaw(ctx, limit*secondsPerDay)
	total += n
	if err != nil || total == 0 {
		return total, err
	}
	return total, s.pruneWords(ctx)
}

// pruneDay deletes the oldest day before limit, if there is one that may go.
func (s *Store) pruneDay(ctx context.Context, limit int64) (n int64, found bool, err error) {
	err = s.write(ctx, func() error {
		n, found = 0, false
		var day, first, last int64
		err := s.query(func(row []driver.Value) error {
			found = true
			return read(row, &day, &first, &last, &n)
		}, `SELECT day, first, last, n FROM day_rows d WHERE day < ? AND NOT EXISTS (
			SELECT 1 FROM pending p CROSS JOIN request r ON r.id = p.id
			WHERE p.id BETWEEN d.first AND d.last AND r.ts / 86400 = d.day) ORDER BY day LIMIT 1`, limit)
		if err != nil || !found {
			return err
		}
		if _, err := s.exec(`DELETE FROM request WHERE id BETWEEN ? AND ? AND ts / 86400 = ?`, first, last, day); err != nil {
			return err
		}
		return s.pruneRollups(day)
	})
	return n, found && err == nil, err
}

func (s *Store) pruneRollups(day int64) error {
	for _, sql := range []string{
		`DELETE FROM day_combo WHERE day = ?`,
		`DELETE FROM day_combo_ua WHERE day = ?`,
		`DELETE FROM day_rows WHERE day = ?`,
	} {
		if _, err := s.exec(sql, day); err != nil {
			return err
		}
	}
	_, err := s.exec(`DELETE FROM hour_combo WHERE hour BETWEEN ? AND ?`, 24*day, 24*day+23)
	return err
}

func (s *Store) pruneRaw(ctx context.Context, before int64) (n int64, err error) {
	err = s.write(ctx, func() error {
		err := s.query(func(row []driver.Value) error { return read(row, &n) }, `SELECT count(*) FROM raw WHERE ts < ? AND id NOT IN (SELECT id FROM pending)`, before)
		if err != nil || n == 0 {
			return err
		}
		_, err = s.exec(`DELETE FROM raw WHERE ts < ? AND id NOT IN (SELECT id FROM pending)`, before)
		return err
	})
	return n, err
}

// pruneWords deletes dictionary words that no request uses any more, and tells
// the other writer to forget the ids it remembers.
func (s *Store) pruneWords(ctx context.Context) error {
	return s.write(ctx, func() error {
		for _, sql := range []string{
			`DELETE FROM client WHERE id NOT IN (SELECT client FROM request)`,
			`DELETE FROM agent WHERE id NOT IN (SELECT ua FROM day_combo_ua)`,
			`DELETE FROM combo WHERE id NOT IN (SELECT combo FROM day_combo)`,
			`DELETE FROM rejected WHERE id NOT IN (SELECT id FROM request) AND id NOT IN (SELECT id FROM raw)`,
			`UPDATE state SET dictionary = dictionary + 1`,
		} {
			if _, err := s.exec(sql); err != nil {
				return err
			}
		}
		return nil
	})
}
