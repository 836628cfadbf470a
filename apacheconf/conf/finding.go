package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing to know about a configuration, with its place.
type Finding struct {
	Code  string `json:"code"` // stable word for programs: "override", "expired", ...
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	VHost string `json:"vhost,omitempty"`

	Certificate string `json:"certificate,omitempty"` // name of ours that this is about
	What        string `json:"what"`
	Fix         string `json:"fix,omitempty"` // text to put there, or command to type
}

// String is the finding on one line, its place first.
func (f Finding) String() string {
	where := f.Place()
	if where != "" {
		where += ": "
	}
	if f.VHost != "" {
		where += f.VHost + ": "
	}
	return where + f.What
}

// Place is "file:line", or as much of it as is known.
func (f Finding) Place() string {
	if f.File == "" || f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// RefusedError says why nothing was touched: Apache was broken before, or the
// plan needs leave that was not given.
type RefusedError struct {
	Why      string
	Findings []Finding
}

func (e *RefusedError) Error() string { return "refused, nothing was changed: " + e.reason() }

func (e *RefusedError) reason() string {
	var b strings.Builder
	b.WriteString(e.Why)
	for _, f := range e.Findings {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}

// Unhinted takes a refusal's hint away: what to type next is another thing
// where it is only a part of the story.
func Unhinted(err error) error {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return errors.New(refused.reason())
	}
	return err
}

// About tells whether a finding has this code.
func (e *RefusedError) About(code string) bool {
	return slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Code == code })
}
