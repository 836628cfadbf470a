package main

import (
	"io"
	"os"

	"tlskeeper/internal/term"
)

// screenWidth is the number of columns of a terminal, 0 for anything else.
func screenWidth(w io.Writer) int {
	if out, ok := w.(*os.File); ok && term.IsTerminal(out) {
		return term.Width(out)
	}
	return 0
}
