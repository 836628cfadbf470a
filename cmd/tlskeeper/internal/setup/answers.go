package setup

import (
	"fmt"
	"strings"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// Answers are what a first run wants to know; every one may be empty.
type Answers struct {
	AgreeTOS  bool
	Email     string
	CA        string   // "" = the default
	Directory string   // of another CA
	CAFile    string   // its roots
	Names     []string // of the first certificate; none: only the log is kept
	Webroot   string   // how the CA's challenge is answered: this, or
	Listen    string   // this
	Group     string   // of CloudWatch Logs; "" = lines stay here
	Region    string
}

// wrong tells what no further answer can mend, nil where there is nothing.
func (a Answers) wrong() *config.Error {
	if a.Webroot == "" && a.Listen == "" {
		a.Listen = ":80" // still to be asked
	}
	_, problems := config.Parse("answers", a.text(), config.PathsFor(""))
	if len(problems) == 0 {
		return nil
	}
	return &config.Error{File: "answers", Msg: problems[0].Msg}
}

// text writes the configuration of these answers: short, because `config
// example` has the long one.
func (a Answers) text() string {
	var b strings.Builder
	b.WriteString("# Written by tlskeeper setup. Every other key, and what it means:\n#   tlskeeper config example\n\n[acme]\n")
	if !a.AgreeTOS {
		b.WriteString("# Nothing is issued before you accept the terms of the CA here.\n")
	}
	fmt.Fprintf(&b, "agree_tos = %v\n", a.AgreeTOS)
	field(&b, "email", a.Email)
	field(&b, "ca", a.CA)
	field(&b, "directory", a.Directory)
	field(&b, "ca_file", a.CAFile)
	field(&b, "webroot", a.Webroot)
	field(&b, "listen", a.Listen)
	if len(a.Names) > 0 {
		quoted := make([]string, len(a.Names))
		for i, n := range a.Names {
			quoted[i] = config.Quote(n)
		}
		fmt.Fprintf(&b, "\n[[certificate]]\nnames = [%s]\n", strings.Join(quoted, ", "))
	}
	if a.Group != "" {
		b.WriteString("\n[cloudwatch]\n")
		field(&b, "group", a.Group)
		field(&b, "region", a.Region)
	}
	return b.String()
}

func field(b *strings.Builder, key, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s = %s\n", key, config.Quote(value))
	}
}
