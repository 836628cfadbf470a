package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

// confirm asks on a terminal; elsewhere --yes must say it.
func (a *app) confirm(c *cli.Context, question string) error {
	if c.Bool("yes") {
		return nil
	}
	if !term.IsTerminal(a.stdin) || !term.IsTerminal(a.stderr) {
		return hint.Wrap(&apacheconf.RefusedError{Why: "there is no terminal to ask on"}, "--yes, once the plan is right")
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := a.line(c.Context)
	if err != nil {
		fmt.Fprintln(a.stderr)
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return &apacheconf.RefusedError{Why: "not confirmed"}
	}
	return nil
}

// line reads in the background: a read of a terminal cannot be cut short, and
// one Ctrl-C must end us all the same. The reader ends with the program.
func (a *app) line(ctx context.Context) (string, error) {
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		return line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// untouchedError is an interrupt before the first write.
type untouchedError struct{}

func (untouchedError) Error() string { return "interrupted, nothing was changed" }
func (untouchedError) Unwrap() error { return context.Canceled }

// interrupted turns what an interrupt broke off into one plain word. After the
// first write there is a *RolledBackError, which says more.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || is[*apacheconf.RolledBackError](err) {
		return err
	}
	return untouchedError{}
}
