package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tlskeeper/internal/hint"
)

// maxWAL is how long the write-ahead log may get, but for one transaction. It
// grows while a reader looks at an older state of the database, because SQLite
// may not write over what that reader sees: each transaction then adds every page that
// it touches, which for distinct user agents of half a kilobyte is sixteen times
// the lines, as nearly each falls on a page of its own of the index over them.
const maxWAL = 256 << 20

// bounds are what a database may take up, in bytes; 0 is without bound.
type bounds struct{ pages, wal int64 }

// Limit bounds what the database takes up to max bytes, its write-ahead log
// included; 0 leaves only the write-ahead log bounded. What is beyond is not
// taken in: Append and Import then return a *FullError or a *HeldError. For a
// database in memory it is memory that is bounded.
func (s *Store) Limit(max int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return s.closed()
	}
	s.bounds = limit(max, s.path == inMemory)
	// A log that once was long gives its room back when it begins anew.
	_, err := s.db.Exec(fmt.Sprintf("PRAGMA journal_size_limit = %d", s.bounds.wal/4), nil)
	if err != nil {
		return fmt.Errorf("bounding %s: %w", s.path, err)
	}
	return nil
}

const inMemory = ":memory:"

// limit shares max out: a quarter, but not more than maxWAL, is the log's.
func limit(max int64, memory bool) bounds {
	switch {
	case memory:
		return bounds{pages: max}
	case max == 0:
		return bounds{wal: maxWAL}
	}
	wal := min(maxWAL, max/4)
	return bounds{pages: max - wal, wal: wal}
}

// Size is what a database takes up, in bytes.
type Size struct {
	Pages int64 // in use; those that are free are used again first
	WAL   int64 // the write-ahead log
	Most  int64 // what Limit leaves to pages, 0: any
}

// Size measures the database.
func (s *Store) Size(ctx context.Context) (Size, error) {
	var size Size
	err := s.look(ctx, func() (err error) {
		size, err = s.size()
		return err
	})
	return size, err
}

func (s *Store) size() (Size, error) {
	size := Size{Most: s.bounds.pages}
	err := s.query(func(row []driver.Value) error { return read(row, &size.Pages) }, `SELECT (c.page_count - f.freelist_count) * s.page_size
		FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s`)
	if err == nil {
		size.WAL, err = s.walSize()
	}
	if err != nil {
		return Size{}, fmt.Errorf("measuring %s: %w", s.path, err)
	}
	return size, nil
}

func (s *Store) walSize() (int64, error) {
	if s.path == inMemory {
		return 0, nil
	}
	info, err := os.Stat(s.path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// FullError says that a database has reached the size that Limit set.
type FullError struct {
	Path string
	Max  int64 // bytes of pages
}

func (e *FullError) Error() string {
	return fmt.Sprintf("%s is full: it has reached %d MiB", e.Path, e.Max>>20)
}

// HeldError says that the write-ahead log of a database is as long as it may
// get, because somebody keeps it from being emptied.
type HeldError struct {
	Path  string
	Bytes int64
	By    string // which process, where that can be told
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s reads an older state of %s, whose write-ahead log has %d MiB and cannot be emptied", e.By, e.Path, e.Bytes>>20)
}

// Room tells whether more can be written: nil, a *FullError or a *HeldError.
func (s *Store) Room(ctx context.Context) error {
	if err := s.roomInWAL(ctx); err != nil {
		return err
	}
	size, err := s.Size(ctx)
	if err == nil && size.Most > 0 && size.Pages >= size.Most {
		err = hint.Wrap(&FullError{s.path, size.Most}, "tlskeeper config example tells about max_size in [agent]")
	}
	return err
}

// RoomToNote is Room for taking lines out of the queue, which a full database
// has room for.
func (s *Store) RoomToNote(ctx context.Context) error { return s.roomInWAL(ctx) }

// roomInWAL empties a log that is as long as it may get. What is taken out of
// the queue, or deleted, needs room there, too.
func (s *Store) roomInWAL(ctx context.Context) error {
	return s.look(ctx, s.emptyLongWAL)
}

func (s *Store) emptyLongWAL() error {
	most := cmp.Or(s.bounds.wal, maxWAL)
	n, err := s.walSize()
	if err != nil || n <= most {
		return err
	}
	if err := s.checkpoint(); err != nil {
		return err
	}
	if n, err = s.walSize(); err != nil || n <= most {
		return err
	}
	held := &HeldError{Path: s.path, Bytes: n, By: holder(s.path+"-shm", readerLocks)}
	return hint.Wrap(held, "end it, or let it end its transaction; tlskeeper query never holds one longer than its --timeout")
}

// checkpoint moves the write-ahead log into the database and truncates it. That
// somebody is in the way is no error, and the log is as long as it was.
func (s *Store) checkpoint() error {
	if s.db == nil {
		return s.closed()
	}
	_, err := number(s.ctx, s.db, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil && !isBusy(err) {
		return fmt.Errorf("emptying the write-ahead log of %s: %w", s.path, err)
	}
	return nil
}
