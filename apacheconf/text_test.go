package apacheconf

import (
	"strings"
	"testing"

	"tlskeeper/internal/filechange"
)

// A diff of a file with escape sequences in it is safe to print.
func TestDiffIsEscaped(t *testing.T) {
	t.Parallel()
	p := &Plan{Files: []filechange.Change{{Path: "/x", Old: &filechange.State{Data: []byte("\x1b[2J\tb\n")}}}}
	if got := p.Diff(); strings.Contains(got, "\x1b") || !strings.Contains(got, `-\x1b[2J`+"\tb") {
		t.Errorf("%q", got)
	}
}
