package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"time"

	"tlskeeper/logship/accesslog"
)

// Event is a line that waits to be shipped.
type Event struct {
	ID     int64
	Millis int64  // unix ms: the second of %t and the line's ordinal within it
	Raw    []byte // the line as httpd wrote it, but for what Options.Client dropped
}

// Rejected is a line that the service refused for good.
type Rejected struct {
	ID     int64
	Reason string // a word of ours, such as "too old"
}

// Pending returns up to limit lines still to be shipped with an ID above
// afterID, in order of ID, which is the order they were read in.
func (s *Store) Pending(ctx context.Context, afterID int64, limit int) ([]Event, error) {
	var events []Event
	err := s.look(ctx, func() error { return s.pending(&events, afterID, limit) })
	return events, err
}

func (s *Store) pending(events *[]Event, afterID int64, limit int) error {
	return s.query(func(row []driver.Value) error {
		e, err := event(row)
		*events = append(*events, e)
		return err
	}, `SELECT p.id, p.milli, w.line, r.ts, b.zone, c.address, b.http, b.vhost, b.protocol, b.cipher, a.text
		FROM pending p LEFT JOIN raw w ON w.id = p.id LEFT JOIN request r ON r.id = p.id
		LEFT JOIN combo b ON b.id = r.combo LEFT JOIN client c ON c.id = r.client LEFT JOIN agent a ON a.id = r.ua
		WHERE p.id > ? ORDER BY p.id LIMIT ?`, afterID, int64(limit))
}

func event(row []driver.Value) (e Event, err error) {
	ts, isRequest := row[3].(int64)
	if !isRequest {
		return e, read(row, &e.ID, &e.Millis, &e.Raw)
	}
	var l accesslog.Entry
	var zone int64
	err = read(row, &e.ID, &e.Millis, nil, &ts, &zone, &l.Client, &l.HTTP, &l.VHost, &l.Protocol, &l.Cipher, &l.UserAgent)
	l.Time = time.Unix(ts, 0).In(time.FixedZone("", int(zone)))
	e.Raw = l.Append(nil)
	return e, err
}

// MarkShipped takes the lines of ids, which the service accepted, and those of
// rejected, which it refused for good, out of the queue. A line may be marked twice.
func (s *Store) MarkShipped(ctx context.Context, ids []int64, rejected []Rejected) error {
	if err := s.roomInWAL(ctx); err != nil {
		return err
	}
	return s.write(ctx, func() error {
		for _, r := range rejected {
			if _, err := s.exec(`INSERT OR REPLACE INTO rejected (id, reason)
				SELECT id, ? FROM pending WHERE id = ?`, r.Reason, r.ID); err != nil {
				return err
			}
			if _, err := s.exec(`DELETE FROM pending WHERE id = ?`, r.ID); err != nil {
				return err
			}
		}
		return s.accept(ids)
	})
}

func (s *Store) accept(ids []int64) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	const in = ` FROM pending WHERE id IN (SELECT value FROM json_each(?))`
	if _, err := s.exec(`UPDATE state SET shipped = shipped + (SELECT count(*)`+in+`)`, string(list)); err != nil {
		return err
	}
	_, err = s.exec(`DELETE`+in, string(list))
	return err
}

// Backlog returns how many lines wait to be shipped and the time of the first in
// the queue; it is zero where none waits.
func (s *Store) Backlog(ctx context.Context) (n int64, oldest time.Time, err error) {
	err = s.look(ctx, func() error {
		return s.query(func(row []driver.Value) error {
			if milli, ok := row[1].(int64); ok {
				oldest = time.UnixMilli(milli)
			}
			return read(row, &n)
		}, `SELECT count(*), (SELECT milli FROM pending ORDER BY id LIMIT 1) FROM pending`)
	})
	return n, oldest, err
}

// Stats are counts for status and metrics.
type Stats struct {
	Rows     int64 // requests kept now
	Unparsed int64 // lines kept raw, now
	Pending  int64 // lines to be shipped
	Shipped  int64 // lines the service accepted, ever
	Rejected int64 // lines the service refused for good
}

// Stats reads the counts; none of them scans the requests.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := s.look(ctx, func() error {
		return s.query(func(row []driver.Value) error {
			for i, to := range []*int64{&st.Rows, &st.Unparsed, &st.Pending, &st.Shipped, &st.Rejected} {
				*to, _ = row[i].(int64)
			}
			return nil
		}, `SELECT (SELECT sum(n) FROM day_rows), (SELECT count(*) FROM raw), (SELECT count(*) FROM pending),
		(SELECT shipped FROM state), (SELECT count(*) FROM rejected)`)
	})
	return st, err
}
