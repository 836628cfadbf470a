// Package hint carries, beside an error, the line that tells the user what to
// type next. The command line prints it below the error as "hint: ...".
// It imports nothing of the project.
package hint

import "errors"

type hinted struct {
	error
	text string
}

func (h hinted) Unwrap() error { return h.error }

// Wrap returns err with text as its hint. A nil err stays nil.
func Wrap(err error, text string) error {
	if err == nil {
		return nil
	}
	return hinted{err, text}
}

// Of returns the outermost hint in err's chain, or "" where there is none.
func Of(err error) string {
	h, ok := errors.AsType[hinted](err)
	if !ok {
		return ""
	}
	return h.text
}
