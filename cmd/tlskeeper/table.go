package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"tlskeeper/internal/term"
)

// screenWidth is the number of columns of a terminal, 0 for anything else.
func screenWidth(w io.Writer) int {
	if out, ok := w.(*os.File); ok && term.IsTerminal(out) {
		return term.Width(out)
	}
	return 0
}

// writeTable writes rows under a header; on a terminal that is too narrow for
// that, each row as a paragraph. Cells are escaped already. Width 0 is without
// limit.
func writeTable(w io.Writer, width int, header []string, rows [][]string) {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
	tooWide := func(line string) bool { return utf8.RuneCountInString(line) > width+1 } // the newline
	if width == 0 || !slices.ContainsFunc(slices.Collect(strings.Lines(text.String())), tooWide) {
		w.Write(text.Bytes())
		return
	}
	for i, row := range rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		writeParagraph(w, header, row)
	}
}

func writeParagraph(w io.Writer, header, row []string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i, cell := range row {
		fmt.Fprintf(t, "%s\t%s\n", strings.ToLower(header[i]), cell)
	}
	t.Flush()
}
