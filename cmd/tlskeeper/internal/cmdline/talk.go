package cmdline

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"tlskeeper/internal/term"
)

// talk writes log records for a person: the message, then what belongs to it.
// There is no time: a terminal needs none, and journald and cron add theirs.
type talk struct {
	w     io.Writer
	level slog.Level
	mu    *sync.Mutex
	attrs string
}

// NewTalk is a logger that writes to w what is of that level or above.
func NewTalk(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(&talk{w: w, level: level, mu: new(sync.Mutex)})
}

func (t *talk) Enabled(_ context.Context, level slog.Level) bool { return level >= t.level }

func (t *talk) Handle(_ context.Context, r slog.Record) error {
	line := r.Message + t.attrs
	if r.Level >= slog.LevelWarn {
		line = strings.ToLower(r.Level.String()) + ": " + line
	}
	hint := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "hint" { // what to type stands below, as under the last error
			hint = "\nhint: " + term.Escape(a.Value.String())
			return true
		}
		line += attrText(a)
		return true
	})
	line += hint
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := fmt.Fprintln(t.w, line)
	return err
}

func (t *talk) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *t
	for _, a := range attrs {
		with.attrs += attrText(a)
	}
	return &with
}

// WithGroup keeps the names flat: nothing here logs groups.
func (t *talk) WithGroup(string) slog.Handler { return t }

func attrText(a slog.Attr) string {
	v := a.Value.Resolve()
	text := v.String()
	if v.Kind() == slog.KindTime {
		text = v.Time().Format(time.RFC3339)
	}
	if escaped := term.Escape(text); strings.ContainsAny(escaped, " \"=") || escaped == "" {
		text = strconv.Quote(escaped)
	} else {
		text = escaped
	}
	if a.Key == "err" {
		return ": " + term.Escape(v.String())
	}
	return " " + a.Key + "=" + text
}
