package setup

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// defaultWebroot is where both Debian and RHEL put the first DocumentRoot.
const defaultWebroot = "/var/www/html"

// Ask fills in what a person answers to a few questions, keeping what is
// answered already. An empty line takes the value in brackets.
func (a *Answers) Ask(in io.Reader, out io.Writer) error {
	q := questions{in: bufio.NewScanner(in), out: out}
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
	return q.in.Err()
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

type questions struct {
	in  *bufio.Scanner
	out io.Writer
}

// ask puts one question; the end of the input answers like an empty line.
func (q *questions) ask(question, otherwise string) string {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprintf(q.out, "%s: ", question)
	if !q.in.Scan() {
		fmt.Fprintln(q.out)
		return otherwise
	}
	if answer := strings.TrimSpace(q.in.Text()); answer != "" {
		return answer
	}
	return otherwise
}
