package child

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTerseLeavesTheWordsOut(t *testing.T) {
	_, one := Run(t.Context(), Cmd{Argv: []string{"/bin/sh", "-c", "echo secret-one >&2; exit 3"}, Timeout: time.Minute})
	_, two := Run(t.Context(), Cmd{Argv: []string{"/bin/sh", "-c", "echo secret-two >&2; exit 4"}, Timeout: time.Minute})
	err := fmt.Errorf("deploying: %w", errors.Join(fmt.Errorf("a: %w", one), errors.New("b"), two))
	got := Terse(err)
	if strings.Contains(got, "secret") || got != "deploying: a: /bin/sh ended with status 3\nb\n/bin/sh ended with status 4" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(err.Error(), "secret-two") || Terse(nil) != "" {
		t.Errorf("%v", err)
	}
}
