package cmdline

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
)

func TestTalk(t *testing.T) {
	var b bytes.Buffer
	log := NewTalk(&b, slog.LevelInfo).With("log", "/var/log/tls.log")
	log.Debug("not shown")
	log.Info("following", "offset", 12, "agent", "two words")
	log.Warn("reading failed", "err", errors.New("a \x1b[2Jscreen"))
	log.Warn("shipping", "hint", "type this", "err", errors.New("no"))
	want := "following log=/var/log/tls.log offset=12 agent=\"two words\"\n" +
		"warn: reading failed log=/var/log/tls.log: a \\x1b[2Jscreen\n" +
		"warn: shipping log=/var/log/tls.log: no\nhint: type this\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
