package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// screen shows the demo. Nobody is left to look on when it cannot be written
// (a pager that was left, a closed terminal): then the demo ends.
type screen struct {
	out io.Writer
	end context.CancelCauseFunc
}

func (s screen) heading(format string, args ...any) { s.print("\n== "+format+"\n", args...) }

func (s screen) say(format string, args ...any) { s.print("   "+format+"\n", args...) }

func (s screen) showCommand(args ...string) { s.print("$ %s\n", strings.Join(args, " ")) }

// show shows what a program answered.
func (s screen) show(out []byte) {
	for line := range strings.Lines(string(out)) {
		s.say("%s", strings.TrimRight(line, "\n"))
	}
}

func (s screen) print(format string, args ...any) {
	if _, err := fmt.Fprintf(s.out, format, args...); err != nil {
		s.end(fmt.Errorf("showing the demo: %w", err))
	}
}
