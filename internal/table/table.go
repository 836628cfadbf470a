// Package table writes columns of text for eyes: as wide as a terminal shows them,
// where a Chinese character or an emoji takes two columns, and a combining accent
// none. Texts come escaped for a terminal already.
//
// It imports nothing of the project.
package table

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Gap is the number of blanks between two columns.
const Gap = 2

// terminal has the widths of East Asian Width (Unicode UAX #11), where ambiguous
// ones are narrow in every locale: the lines and blocks of our tables are such.
var terminal = &runewidth.Condition{StrictEmojiNeutral: true}

// Width is the number of columns that s takes.
func Width(s string) int {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return len(s) // nearly all there is in a log
	}
	return terminal.StringWidth(s)
}

// Cut shortens s to width columns, and marks that with an ellipsis at its end.
func Cut(s string, width int) string {
	if width < 1 || Width(s) <= width {
		return s
	}
	return strings.TrimRight(terminal.Truncate(s, width-1, ""), " ") + "…"
}

// Squeeze shortens s to width columns by what lies behind its first third: user
// agents begin alike and differ at their end.
func Squeeze(s string, width int) string {
	wide := Width(s)
	if wide <= width {
		return s
	}
	head := max(0, width-1) / 3
	tail := max(0, width-1-head)
	return terminal.Truncate(s, head, "") + "…" + strings.TrimLeft(terminal.TruncateLeft(s, wide-tail, ""), " ")
}

// Row lays cells out in columns of widths, flush right where right says so. A cell
// that is wider is squeezed. There are no blanks at the end.
func Row(cells []string, widths []int, right []bool) string {
	var b strings.Builder
	for i, s := range cells {
		s = Squeeze(s, widths[i])
		pad := strings.Repeat(" ", max(0, widths[i]-Width(s)))
		if i > 0 {
			b.WriteString(strings.Repeat(" ", Gap))
		}
		if right != nil && right[i] {
			b.WriteString(pad + s)
		} else {
			b.WriteString(s + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// Total is the width of a table with columns of widths.
func Total(widths []int) int {
	sum := Gap * max(0, len(widths)-1)
	for _, n := range widths {
		sum += n
	}
	return sum
}

// Widths are those of the widest cells of each column, at most most (0: without
// limit). Rows are as long as the first.
func Widths(most int, rows ...[]string) []int {
	var widths []int
	for _, row := range rows {
		widths = Widen(widths, row, most)
	}
	return widths
}

// Widen is Widths row by row, for who does not hold them all: nil before the first.
func Widen(widths []int, row []string, most int) []int {
	if widths == nil {
		widths = make([]int, len(row))
	}
	for i, s := range row {
		n := max(widths[i], Width(s))
		if most > 0 {
			n = min(n, most)
		}
		widths[i] = n
	}
	return widths
}

// Write writes rows under a header; on a terminal that is too narrow for that,
// each row as a paragraph. Width 0 is without limit.
func Write(w io.Writer, width int, header []string, rows [][]string) {
	all := append([][]string{header}, rows...)
	widths := Widths(0, all...)
	tooWide := func(row []string) bool { return Width(Row(row, widths, nil)) > width }
	if width == 0 || !slices.ContainsFunc(all, tooWide) {
		for _, row := range all {
			fmt.Fprintln(w, Row(row, widths, nil))
		}
		return
	}
	for i, row := range rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		paragraph := make([][2]string, len(row))
		for j, cell := range row {
			paragraph[j] = [2]string{strings.ToLower(header[j]), cell}
		}
		Pairs(w, paragraph)
	}
}

// Pairs writes a name and its value a line.
func Pairs(w io.Writer, pairs [][2]string) {
	names := 0
	for _, p := range pairs {
		names = max(names, Width(p[0]))
	}
	for _, p := range pairs {
		fmt.Fprintln(w, Row(p[:], []int{names, Width(p[1])}, nil))
	}
}
