package config

import "fmt"

// Error is one thing wrong with the configuration file. Line is 0 where no
// line is to blame (a missing file).
type Error struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // first line is 1
	Msg  string `json:"message"`
	Hint string `json:"hint,omitempty"` // what to type or write instead
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}
