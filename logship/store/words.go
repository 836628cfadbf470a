package store

import (
	"context"
	"fmt"
)

const (
	// unusedAtOnce is how many words are looked for at a time, a scan each; it
	// bounds their list in memory.
	unusedAtOnce = 100_000
	// wordsAtOnce is how many one transaction deletes: each lies on pages of its own.
	wordsAtOnce = 2_000
)

// dictionary is a table whose rows may have become useless.
type dictionary struct {
	table  string
	unused string // condition that nothing uses a row
	late   string // condition that no request from ?2 on does
}

var prunedWords = []dictionary{
	{"client", `id NOT IN (SELECT client FROM request)`, `id NOT IN (SELECT client FROM request WHERE id >= ?2)`},
	{"agent", `id NOT IN (SELECT ua FROM day_combo_ua)`, `id NOT IN (SELECT ua FROM request WHERE id >= ?2)`},
	{"combo", `id NOT IN (SELECT combo FROM day_combo)`, `id NOT IN (SELECT combo FROM request WHERE id >= ?2)`},
	{"rejected", `id NOT IN (SELECT id FROM request) AND id NOT IN (SELECT id FROM raw)`, `id < ?2`},
}

// pruneWords deletes dictionary words that no request uses any more.
func (s *Store) pruneWords(ctx context.Context) error {
	for _, d := range prunedWords {
		for more := true; more; {
			next, ids, err := s.unusedWords(ctx, d)
			if err != nil {
				return fmt.Errorf("looking for words that nothing uses: %w", err)
			}
			more = len(ids) == unusedAtOnce
			if err := s.dropWords(ctx, d, ids, next); err != nil {
				return err
			}
		}
	}
	return nil
}

// unusedWords lists words that nothing used when it looked, and the id of the
// first request that came later and may use one of them. It does not hold the
// write lock: the scan may take a while.
func (s *Store) unusedWords(ctx context.Context, d dictionary) (next int64, ids []int64, err error) {
	err = s.look(ctx, func() error {
		if next, err = s.one(`SELECT next_id FROM state`); err != nil {
			return err
		}
		ids, err = s.ids(`SELECT id FROM `+d.table+` WHERE `+d.unused+` LIMIT ?`, int64(unusedAtOnce))
		return err
	})
	return next, ids, err
}

// dropWords deletes the words of ids that no request from next on uses, and
// tells the other writer to forget the ids it remembers.
func (s *Store) dropWords(ctx context.Context, d dictionary, ids []int64, next int64) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), wordsAtOnce)]
		ids = ids[len(some):]
		if err := s.roomInWAL(ctx); err != nil {
			return err
		}
		err := s.write(ctx, func() error {
			err := s.among(`DELETE FROM `+d.table+` WHERE id IN (SELECT value FROM json_each(?1)) AND `+d.late, some, next)
			if err != nil {
				return err
			}
			_, err = s.exec(`UPDATE state SET dictionary = dictionary + 1`)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
