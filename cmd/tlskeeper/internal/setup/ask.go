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

	"tlskeeper/internal/term"
)

// defaultWebroot is where both Debian and RHEL put the first DocumentRoot.
const defaultWebroot = "/var/www/html"

// Ask fills in what a person answers to a few questions, keeping what is
// answered already. An empty line takes the value in brackets; what cannot be
// is said and asked again. Where ctx or the input ends in between, or what is
// answered already cannot be, that is an error, and the answers are not to be
// used.
func (a *Answers) Ask(ctx context.Context, in io.Reader, out io.Writer) error {
	if err := a.wrong(); err != nil {
		return err
	}
	q := questions{ctx: ctx, lines: linesOf(ctx, in), out: out}
	if len(a.Names) == 0 {
		a.fill(&q, "Names for a certificate, the main one first (empty: only log for now)", "", (*Answers).setNames)
	}
	if len(a.Names) > 0 {
		a.askACME(&q)
	}
	if a.Group == "" {
		a.fill(&q, "CloudWatch Logs group to ship to (empty: lines stay on this host)", "", func(a *Answers, s string) string {
			a.Group = s
			return ""
		})
	}
	if a.Group != "" && a.Region == "" {
		a.fill(&q, "AWS region (empty: as the AWS SDK finds it)", "", func(a *Answers, s string) string {
			a.Region = s
			return ""
		})
	}
	return q.err
}

func (a *Answers) askACME(q *questions) {
	if !a.AgreeTOS {
		a.fill(q, "Do you accept the CA's terms of service (https://letsencrypt.org/repository/)? yes/no", "no", (*Answers).setTerms)
	}
	if a.Email == "" {
		a.fill(q, "Mail address for the CA (may be empty)", "", func(a *Answers, s string) string {
			a.Email = s
			return ""
		})
	}
	if a.Webroot == "" && a.Listen == "" {
		suggestion := ""
		if info, err := os.Stat(defaultWebroot); err == nil && info.IsDir() {
			suggestion = defaultWebroot
		}
		a.fill(q, "DocumentRoot of the site on port 80, for the CA's check; or an address to answer it on ourselves, such as :80",
			suggestion, (*Answers).setChallenge)
	}
}

// fill puts one question until set, and the rules of the configuration, find
// nothing wrong with the answer.
func (a *Answers) fill(q *questions, question, otherwise string, set func(a *Answers, answer string) (why string)) {
	for {
		answer := q.ask(question, otherwise)
		if q.err != nil {
			return
		}
		filled := *a
		why := set(&filled, answer)
		if err := filled.wrong(); why == "" && err != nil {
			why = err.Msg
		}
		if why == "" {
			*a = filled
			return
		}
		fmt.Fprintln(q.out, term.Escape(why))
	}
}

func (a *Answers) setNames(answer string) string {
	a.Names = strings.FieldsFunc(answer, func(r rune) bool { return r == ' ' || r == ',' })
	return ""
}

func (a *Answers) setTerms(answer string) string {
	switch strings.ToLower(answer) {
	case "yes", "y":
		a.AgreeTOS = true
	case "no", "n":
	default:
		return "yes or no?"
	}
	return ""
}

func (a *Answers) setChallenge(answer string) string {
	switch {
	case answer == "":
		return "the CA checks that the names are yours, and one of the two is needed for that"
	case strings.Contains(answer, ":") && !strings.HasPrefix(answer, "/"):
		a.Listen = answer
	default:
		a.Webroot = answer
	}
	return ""
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
