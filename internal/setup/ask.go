package setup

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// defaultWebroot is where both Debian and RHEL put the first DocumentRoot.
const defaultWebroot = "/var/www/html"

// Ask fills in what a person answers to a few questions, keeping what is
// answered already. An empty line takes the value in brackets. Where ctx or the
// input ends in between, that is an error, and the answers are not to be used.
func (a *Answers) Ask(ctx context.Context, in io.Reader, out io.Writer) error {
	q := questions{ctx: ctx, lines: linesOf(ctx, in), out: out}
	if len(a.Names) == 0 {
		line := q.ask("Names for a certificate, the main one first (empty: only log for now)", "")
		a.Names = strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' })
	}
	if len(a.Names) > 0 {
		a.askACME(&q)
	}
	if a.Group == "" {
		a.Group = q.ask("CloudWatch Logs group to ship to (empty: lines stay on this host)", "")
	}
	if a.Group != "" && a.Region == "" {
		a.Region = q.ask("AWS region (empty: as the AWS SDK finds it)", "")
	}
	return q.err
}

func (a *Answers) askACME(q *questions) {
	if !a.AgreeTOS {
		answer := q.ask("Do you accept the CA's terms of service (https://letsencrypt.org/repository/)? yes/no", "no")
		a.AgreeTOS = strings.EqualFold(answer, "yes") || strings.EqualFold(answer, "y")
	}
	if a.Email == "" {
		a.Email = q.ask("Mail address for the CA (may be empty)", "")
	}
	if a.Webroot == "" && a.Listen == "" {
		suggestion := ""
		if info, err := os.Stat(defaultWebroot); err == nil && info.IsDir() {
			suggestion = defaultWebroot
		}
		a.Webroot = q.ask("DocumentRoot of the site on port 80, for the CA's check", suggestion)
	}
}

// An interruptedError ends the questions on Ctrl-C.
type interruptedError struct{ cause error }

func (e interruptedError) Error() string { return "setup was interrupted; nothing was written" }
func (e interruptedError) Unwrap() error { return e.cause }

// errUnanswered ends the questions on Ctrl-D, which is no answer: an empty
// line is one.
var errUnanswered = errors.New("the input ended before every question was answered; nothing was written")

// questions keeps the first error, and asks nothing after it.
type questions struct {
	ctx   context.Context
	lines <-chan string // closed at the end of the input
	out   io.Writer
	err   error
}

// linesOf reads in the background: a read of a terminal cannot be cut short,
// and Ctrl-C must end the program all the same. The reader ends with ctx, or
// with the program.
func linesOf(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// ask puts one question. An empty line takes what stands in brackets.
func (q *questions) ask(question, otherwise string) string {
	if q.err != nil {
		return ""
	}
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprintf(q.out, "%s: ", question)
	select {
	case line, more := <-q.lines:
		if more {
			return cmp.Or(strings.TrimSpace(line), otherwise)
		}
		q.err = errUnanswered
	case <-q.ctx.Done():
	}
	if q.ctx.Err() != nil {
		q.err = interruptedError{q.ctx.Err()}
	}
	fmt.Fprintln(q.out)
	return ""
}
