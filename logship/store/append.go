package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/accesslog"
)

// Line is one line of a file.
type Line struct {
	Offset int64  // of its first byte in the (decompressed) file
	Raw    []byte // without the newline
}

// Append takes in the bytes of f from f.Offset to newOffset, which hold lines in
// order of their place: rows, roll-ups, ledger and position in one transaction.
// Lines whose place is in the ledger already are left out. With ship they are
// queued for shipping, too. On success f.ID and f.Offset are set; on an error
// nothing has changed: one is a *FullError or *HeldError (see Limit).
//
// Lines that are not of the format are kept as they are, and shipped all the
// same, but for empty ones, which the service does not take.
func (s *Store) Append(ctx context.Context, f *File, lines []Line, newOffset int64, ship bool) error {
	_, err := s.take(ctx, f, lines, newOffset, ship)
	return err
}

// Import is Append for lines that are not to be shipped. It returns how many of
// them are new.
func (s *Store) Import(ctx context.Context, f *File, lines []Line, newOffset int64) (int64, error) {
	return s.take(ctx, f, lines, newOffset, false)
}

func (s *Store) take(ctx context.Context, f *File, lines []Line, newOffset int64, ship bool) (taken int64, err error) {
	from := f.Offset
	if len(lines) > 0 {
		from = min(from, lines[0].Offset)
	}
	if newOffset < from {
		return 0, fmt.Errorf("appending %s: offset %d lies before %d", f.Path, newOffset, from)
	}
	if len(lines) > 0 {
		if err := s.Room(ctx); err != nil {
			return 0, err
		}
	}
	file := *f
	err = s.write(ctx, func() (err error) {
		taken, err = s.append(&file, lines, span{from, newOffset}, ship)
		return err
	})
	if err != nil {
		return 0, err
	}
	file.Offset = newOffset
	*f = file
	return taken, nil
}

// batch is the work of one Append.
type batch struct {
	*Store
	file     *File
	ship     bool
	nextID   int64
	parser   accesslog.Parser
	lastTS   int64 // second of the last good line of the file
	ordinals ordinals
	tally    *tally
	rows     *bulk
	pending  *bulk
}

func (s *Store) append(f *File, lines []Line, of span, ship bool) (taken int64, err error) {
	if err := s.resolve(f); err != nil {
		return 0, err
	}
	b, err := s.newBatch(f, ship)
	if err != nil {
		return 0, err
	}
	done, err := s.covered(f.ID, of)
	if err != nil {
		return 0, err
	}
	first := b.nextID
	for _, line := range lines {
		if within(&done, line.Offset) {
			continue
		}
		if err := b.line(line); err != nil {
			return 0, err
		}
	}
	if err := b.finish(of.end); err != nil {
		return 0, err
	}
	return b.nextID - first, s.cover(f.ID, of)
}

// newBatch reads what this transaction goes on from.
func (s *Store) newBatch(f *File, ship bool) (*batch, error) {
	b := &batch{Store: s, file: f, ship: ship, tally: newTally(),
		rows:    newBulk(s, "request (id, ts, client, combo, ua)", 5, ""),
		pending: newBulk(s, "pending (id, milli)", 2, "")}
	var generation int64
	err := s.query(func(row []driver.Value) error { return read(row, &b.nextID, &generation) },
		`SELECT next_id, dictionary FROM state`)
	if err == nil && b.nextID <= 0 {
		err = hint.Wrap(fmt.Errorf("the database is damaged: it does not know its next line"), damagedHint)
	}
	if err != nil {
		return nil, err
	}
	if generation != s.dict.generation {
		s.dict.forget()
		s.dict.generation = generation
	}
	var seconds string
	err = s.query(func(row []driver.Value) error { return read(row, &b.lastTS, &seconds) },
		`SELECT last_ts, seconds FROM file WHERE id = ?`, f.ID)
	b.ordinals = readOrdinals(seconds)
	return b, err
}

func (b *batch) line(line Line) error {
	id := b.nextID
	b.nextID++
	record, err := b.parser.Scan(line.Raw)
	if err != nil {
		if err := b.raw(id, line); err != nil {
			return err
		}
	} else if err := b.request(id, record); err != nil {
		return err
	}
	if !b.ship || len(line.Raw) == 0 {
		return nil
	}
	return b.pending.add(id, b.ordinals.next(b.lastTS))
}

func (b *batch) request(id int64, r accesslog.Record) error {
	client, err := b.clientID(r.Client)
	if err != nil {
		return err
	}
	combo, err := b.comboID(r.Zone, r.Middle)
	if err != nil {
		return err
	}
	ua, err := b.agentID(r.UserAgent)
	if err != nil {
		return err
	}
	b.lastTS = r.Unix
	b.tally.add(id, r.Unix, combo, ua)
	return b.rows.add(id, r.Unix, client, combo, ua)
}

// raw keeps a line that has no time of its own under that of the line before it,
// or, at the head of a file, under the present.
func (b *batch) raw(id int64, line Line) error {
	if b.lastTS == 0 {
		b.lastTS = time.Now().Unix()
	}
	_, err := b.exec(`INSERT INTO raw (id, ts, file, offset, line) VALUES (?, ?, ?, ?, ?)`,
		id, b.lastTS, b.file.ID, line.Offset, notNull(b.clients.ApplyLine(line.Raw)))
	return err
}

// finish writes what was collected, and the position.
func (b *batch) finish(offset int64) error {
	if err := b.rows.flush(); err != nil {
		return err
	}
	if err := b.pending.flush(); err != nil {
		return err
	}
	if err := b.tally.write(b.Store); err != nil {
		return err
	}
	if _, err := b.exec(`UPDATE state SET next_id = ?`, b.nextID); err != nil {
		return err
	}
	f := b.file
	_, err := b.exec(`UPDATE file SET path = ?, dev = ?, inode = ?, fingerprint = ?, fingerprint_len = ?,
		offset = max(offset, ?), last_ts = ?, seconds = ? WHERE id = ?`,
		f.Path, int64(f.Dev), int64(f.Inode), notNull(f.Fingerprint), f.FingerprintLen,
		offset, b.lastTS, b.ordinals.String(), f.ID)
	return err
}
