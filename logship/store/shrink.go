package store

import (
	"context"
	"math"
)

// Shares of Size.Most, in percent: where deleting begins, and where it ends.
const (
	shrinkFrom = 95
	shrinkTo   = 85
)

// Shrink deletes lines of a database that is nearly as large as Limit allows,
// the oldest day's first and of a day the oldest first, until there is room again; it
// returns how many. Lines that wait to be shipped stay: where no others are
// left, the database fills up, and Append says so.
func (s *Store) Shrink(ctx context.Context) (total int64, err error) {
	if full, err := s.above(ctx, shrinkFrom); err != nil || !full {
		return 0, err
	}
	st, err := s.Stats(ctx)
	if err != nil {
		return 0, err
	}
	// The words of what is deleted go each time a twentieth of the lines has gone:
	// to find them takes a scan. Where lines are short, words take little of the
	// room; where they are long, lines are few.
	step := max(100, (st.Rows+st.Unparsed)/20)
	since := int64(0)
	for {
		more, err := s.above(ctx, shrinkTo)
		if err != nil || !more {
			return total, finish(ctx, s, since, err)
		}
		n, err := s.pruneAny(ctx, step)
		total, since = total+n, since+n
		if err != nil || n == 0 {
			return total, finish(ctx, s, since, err)
		}
		if since >= step {
			if err := s.pruneWords(ctx); err != nil {
				return total, err
			}
			since = 0
		}
	}
}

func finish(ctx context.Context, s *Store, deleted int64, err error) error {
	if err != nil || deleted == 0 {
		return err
	}
	return s.pruneWords(ctx)
}

// above tells whether the pages in use exceed percent of what they may be.
func (s *Store) above(ctx context.Context, percent int64) (bool, error) {
	size, err := s.Size(ctx)
	return size.Most > 0 && size.Pages > size.Most/100*percent, err
}

// pruneAny deletes up to most of the oldest lines that do not wait to be shipped;
// of one day, first those that no question can be asked of.
func (s *Store) pruneAny(ctx context.Context, most int64) (int64, error) {
	var day int64
	var found bool
	err := s.look(ctx, func() (err error) {
		day, found, err = s.oldest(anyDay, math.MaxInt64)
		return err
	})
	if err != nil {
		return 0, err
	}
	before := int64(math.MaxInt64)
	if found {
		before = (day + 1) * secondsPerDay
	}
	if n, err := s.pruneRaw(ctx, before, min(most, pruneRawRows)); n > 0 || err != nil || !found {
		return n, err
	}
	return s.pruneOldest(ctx, anyDay, math.MaxInt64, min(most, pruneRows))
}
