// Package live shows the log as it grows, with filters and counts, for eyes: it
// keeps nothing, and may miss lines at a rotation. It is the one room that links
// hpcloud/tail.
//
// It imports logship/accesslog and, of internal, hint, regular, table and term.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/hpcloud/tail"
	tailutil "github.com/hpcloud/tail/util"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/regular"
)

// Config is one view of a log.
type Config struct {
	Path   string
	Lines  int  // how many of the last lines are shown first
	Follow bool // go on until the context ends
	Filter Filter
	Form   Form
	Out    io.Writer // lines
	// Talk takes what is not a line: that the log is awaited, and the counts at the
	// end. With Running the counts also stand below the lines, redrawn as they
	// change: both must be the same terminal.
	Talk    io.Writer
	Running bool
	// Width tells the columns of Out, which a line of Columns is cut to; nil
	// or 0 is without limit.
	Width func() int
}

// maxShown is how many bytes of a line are shown, and bounds the memory for one; a
// longer one that comes while the log is followed is shown in parts.
const maxShown = 64 << 10

// Show shows the log as it grows. It reads new lines through hpcloud/tail, which may miss
// some at a rotation: harmless for eyes, and never used for what is kept. It
// ends with nil when ctx ends.
func Show(ctx context.Context, c Config) error {
	filter, err := c.Filter.compile()
	if err != nil {
		return err
	}
	from, err := lastLines(c.Path, c.Lines)
	there := err == nil
	if err != nil && !(c.Follow && errors.Is(err, fs.ErrNotExist)) {
		return notShown(c.Path, err)
	}
	if err != nil {
		if err := awaitable(c); err != nil {
			return err
		}
	}
	v := newView(c, filter)
	defer v.end()
	if there {
		if from, err = backlog(ctx, c, from, v); err != nil {
			return err
		}
	}
	if !c.Follow {
		return nil
	}
	return follow(ctx, c, from, v)
}

// follow follows the log into v until the end of ctx.
func follow(ctx context.Context, c Config, from int64, v *view) error {
	speakFor(c)
	t, err := tail.TailFile(c.Path, tail.Config{
		Location: &tail.SeekInfo{Offset: from, Whence: io.SeekStart},
		Follow:   true, ReOpen: true,
		Poll:        true, // its inotify loses rotations and ends the process when watches run out
		MaxLineSize: maxShown,
		Logger:      tail.DiscardingLogger,
	})
	if err != nil {
		return notShown(c.Path, err)
	}
	defer stop(t)
	v.begin()
	for {
		select {
		case <-v.due:
			v.due = nil
			v.redraw()
		case <-ctx.Done():
			return nil
		case line, ok := <-t.Lines:
			if !ok {
				return notShown(c.Path, t.Wait()) // not Err: Lines is closed a moment before the end
			}
			if err := v.line(line.Text); err != nil {
				return fmt.Errorf("showing %s: %w", c.Path, err)
			}
		}
	}
}

// stop ends t. Its reader may be handing over a line, which nobody takes any
// more, and Stop would wait for it.
func stop(t *tail.Tail) {
	go func() {
		for range t.Lines {
		}
	}()
	_ = t.Stop() // the error was seen when Lines was closed
}

// speakFor gives hpcloud/tail's global logger our voice. The library ends the
// process when the log's directory can no longer be read, and leaves nothing
// but the last words to be chosen.
func speakFor(c Config) {
	tailutil.LOGGER.Logger = log.New(lostLog{c}, "", 0)
}

type lostLog struct{ c Config }

func (w lostLog) Write(p []byte) (int, error) {
	fmt.Fprintf(w.c.Talk, "tlskeeper: %s can no longer be read\n", w.c.Path)
	return len(p), nil
}

// awaitable tells that the log is awaited, if it can come.
func awaitable(c Config) error {
	dir := filepath.Dir(c.Path)
	if _, err := os.Stat(dir); err != nil {
		return notShown(c.Path, err)
	}
	fmt.Fprintf(c.Talk, "%s is not there yet: waiting for it (Ctrl-C ends)\n", c.Path)
	return nil
}

// notShown says why there is nothing to see, and what to type.
func notShown(path string, err error) error {
	if err == nil {
		return nil
	}
	out := fmt.Errorf("reading %s: %w", path, regular.Cause(err))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return hint.Wrap(out, "read it as root, or join the group that owns it: sudo usermod -aG adm $USER")
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(out, "tlskeeper apache apply --log-only makes Apache write it; or name another: tlskeeper tail FILE")
	}
	return out
}

// lastLines finds where the last n lines of a file begin.
func lastLines(path string, n int) (int64, error) {
	f, info, err := regular.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	at, buf := info.Size(), make([]byte, maxShown)
	for n++; at > 0; { // the newline before them, too
		size := min(at, int64(len(buf)))
		if _, err := f.ReadAt(buf[:size], at-size); err != nil {
			return 0, err
		}
		for i := size - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				if n--; n == 0 {
					return at - size + i + 1, nil
				}
			}
		}
		at -= size
	}
	return 0, nil
}

// redrawEvery bounds how often the counts below the lines are made anew.
const redrawEvery = 200 * time.Millisecond
