package apacheconf

import (
	"fmt"
	"strings"
	"time"
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

// NotInstalledError says that no httpd was found.
type NotInstalledError struct{ Looked []string }

func (e *NotInstalledError) Error() string {
	return "finding Apache httpd: not installed (looked for " + strings.Join(e.Looked, ", ") + ")"
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

// RolledBackError says that the change was made, did not hold, and was undone.
// It does not unwrap to its cause: what was refused or interrupted on the way
// would be taken for a change that never began.
type RolledBackError struct {
	Cause   error
	Healthy bool          // the old state is proved on the wire again
	Trouble error         // what went wrong in undoing, nil when Healthy
	Took    time.Duration // from noticing the fault to the old state being proved
}

func (e *RolledBackError) Error() string {
	if e.Healthy {
		return fmt.Sprintf("applied, did not hold, rolled back in %v: %v", e.Took.Round(time.Millisecond), e.Cause)
	}
	return fmt.Sprintf("applied, did not hold (%v), and the rollback is not proved: %v", e.Cause, e.Trouble)
}
