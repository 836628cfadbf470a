package query

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tlskeeper/internal/hint"
)

const (
	// maxRows and maxBytes bound an answer that is held in memory until it is
	// written.
	maxRows  = 1_000_000
	maxBytes = 256 << 20

	// maxTemp bounds the temporary files of a question. To sort the whole rows of
	// some ten million requests takes about as much.
	maxTemp   = 2 << 30
	tempEvery = 50 * time.Millisecond

	// grace is how long a question may go on after its time, or after Ctrl-C.
	grace = 3 * time.Second
)

var (
	errTimeout = errors.New("the question's time is up")
	errTemp    = errors.New("the question fills the disk")
)

// within runs do and, when ctx has ended, waits no longer than grace for it:
// SQLite sees an interrupt only between two steps of its program, and a step may
// be a long one, or wait for a disk that hangs.
func (d *DB) within(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		d.abandoned = true
		return ctx.Err()
	}
}

// watchTemp ends the question when its temporary files outgrow d.maxTemp, until
// ctx ends. SQLite itself bounds none of them: each sort has a file of its own.
func (d *DB) watchTemp(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(tempEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if tempBytes() > d.maxTemp {
				cancel(errTemp)
				return
			}
		}
	}
}

// tempBytes is the size of SQLite's temporary files in this process; 0 where there
// is no /proc.
func tempBytes() int64 {
	var sum int64
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return 0
	}
	for _, fd := range open {
		if name, err := os.Readlink(fd); err != nil || !isTemp(filepath.Base(name)) {
			continue
		}
		if info, err := os.Stat(fd); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// isTemp knows the file that SQLite made without a name (O_TMPFILE, which Linux
// shows as "#INODE (deleted)"), and the one that it named and deleted at once
// (SQLITE_TEMP_FILE_PREFIX of its os.h) where the file system has no such thing.
func isTemp(name string) bool {
	return strings.HasSuffix(name, " (deleted)") && (strings.HasPrefix(name, "#") || strings.HasPrefix(name, "etilqs_"))
}

// stopped words why the question was ended, nil where nothing ended it.
func (d *DB) stopped(ctx context.Context, timeout time.Duration) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errTimeout):
		return hint.Wrap(fmt.Errorf("the question was stopped after %s", timeout),
			"narrow it with --since, or ask for http, vhost, protocol, cipher, day or hour only, which are counted beforehand; --timeout gives it more time")
	case errors.Is(cause, errTemp):
		return hint.Wrap(fmt.Errorf("the question was stopped: it filled %d MiB of temporary files", d.maxTemp>>20),
			"sort and compare less: narrow it with --since, or leave out ORDER BY and DISTINCT")
	}
	return nil
}

// keep says which rows of an answer are held.
type keep struct {
	rows  int  // 0: all
	count bool // count those beyond, and do not stop at them
}

// holder fills a Result within the bounds.
type holder struct {
	*Result
	keep
	bytes int64
}

func (h *holder) add(values []any) error {
	switch full := h.rows > 0 && len(h.Rows) == h.rows; {
	case full && h.count:
		h.Cut++
		return nil
	case full:
		h.More = true
		return errEnough
	}
	if h.bytes += size(values); len(h.Rows) == maxRows || h.bytes > maxBytes {
		return h.tooLarge()
	}
	h.Rows = append(h.Rows, values)
	return nil
}

func (h *holder) tooLarge() error {
	err := fmt.Errorf("the answer takes more than %d MiB", maxBytes>>20)
	if len(h.Rows) == maxRows {
		err = fmt.Errorf("the answer has more than %d rows", maxRows)
	}
	return hint.Wrap(err, "add --limit N, or group the rows; of SQL, --format csv and json have no such bound")
}

// size is what a row takes in memory: the slice, and for each value the
// interface, what it points to, and the text.
func size(values []any) int64 {
	n := int64(24)
	for _, v := range values {
		n += 32
		if s, ok := v.(string); ok {
			n += int64(len(s))
		}
	}
	return n
}
