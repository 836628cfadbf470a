package store

import "database/sql/driver"

// span is a range of a file's bytes, end exclusive.
type span struct{ start, end int64 }

// covered returns the ranges of file that were taken in and overlap s, in order.
func (s *Store) covered(file int64, of span) ([]span, error) {
	var spans []span
	err := s.query(func(row []driver.Value) error {
		var s span
		err := read(row, &s.start, &s.end)
		spans = append(spans, s)
		return err
	}, `SELECT start, end FROM ledger WHERE file = ? AND start < ? AND end > ? ORDER BY start`,
		file, of.end, of.start)
	return spans, err
}

// cover enters s into the ledger of file, joined with the ranges it touches.
func (s *Store) cover(file int64, of span) error {
	if of.start == of.end {
		return nil
	}
	err := s.query(func(row []driver.Value) error {
		if row[0] == nil { // none touches it
			return nil
		}
		var touched span
		if err := read(row, &touched.start, &touched.end); err != nil {
			return err
		}
		of.start, of.end = min(of.start, touched.start), max(of.end, touched.end)
		return nil
	}, `SELECT min(start), max(end) FROM ledger WHERE file = ? AND start <= ? AND end >= ?`,
		file, of.end, of.start)
	if err != nil {
		return err
	}
	if _, err := s.exec(`DELETE FROM ledger WHERE file = ? AND start >= ? AND end <= ?`,
		file, of.start, of.end); err != nil {
		return err
	}
	_, err = s.exec(`INSERT INTO ledger (file, start, end) VALUES (?, ?, ?)`, file, of.start, of.end)
	return err
}

// within tells whether the byte at offset lies in one of spans (sorted), and
// drops from the front those that end before it.
func within(spans *[]span, offset int64) bool {
	for len(*spans) > 0 && (*spans)[0].end <= offset {
		*spans = (*spans)[1:]
	}
	return len(*spans) > 0 && (*spans)[0].start <= offset
}
