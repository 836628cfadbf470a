package child

import (
	"fmt"
	"strings"
)

// Terse is err without what programs wrote to their standard error: for places
// that everybody may read. A program's words can hold whatever it was given.
func Terse(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, e := range exits(err) {
		text = strings.ReplaceAll(text, e.Error(), fmt.Sprintf("%s ended with status %d", e.Argv0, e.Result.ExitCode))
	}
	return text
}

// exits are all programs that failed, where errors were joined too.
func exits(err error) []*ExitError {
	if e, ok := err.(*ExitError); ok {
		return []*ExitError{e}
	}
	var found []*ExitError
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		found = exits(w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range w.Unwrap() {
			found = append(found, exits(one)...)
		}
	}
	return found
}
