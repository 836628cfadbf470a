package query

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tlskeeper/internal/term"
)

const (
	columnGap = 2
	barWidest = 30
	barLeast  = 8

	cellWidest = 200
)

// table writes columns aligned under their names. For a pipe or a file no cell is
// wider than cellWidest: csv and json have whole values.
func (r *Result) table(w io.Writer, width int) {
	if r.Title != "" {
		fmt.Fprintf(w, "%s\n\n", term.Escape(r.Title))
	}
	widths, bar := r.widths(), 0
	if width > 0 {
		widths = fit(widths, width)
		if total(widths) > width {
			r.records(w, width)
			return
		}
		if room := width - total(widths) - columnGap; room >= barLeast {
			bar = min(room, barWidest)
		}
	}
	numeric := r.numeric()
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("─", n)
	}
	writeLine(w, align(r.head(), widths, numeric))
	writeLine(w, align(rule, widths, numeric))
	percent, largest := r.percents(bar)
	for _, row := range r.Rows {
		text := align(r.line(row), widths, numeric)
		if percent >= 0 {
			text += strings.Repeat(" ", columnGap) + drawn(row[percent].(float64), largest, bar)
		}
		writeLine(w, text)
	}
	fmt.Fprintf(w, "\n%s\n", r.foot())
}

// clip leaves of a long text both ends, more than any cell shows: escaping and
// measuring all of it takes its time.
func clip(v any) any {
	const end = 4 * cellWidest // bytes, of which a character has at most four
	s, ok := v.(string)
	if !ok || len(s) <= 3*end {
		return v
	}
	head, tail := end, len(s)-end
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return s[:head] + "…" + s[tail:]
}

func writeLine(w io.Writer, text string) { fmt.Fprintln(w, strings.TrimRight(text, " ")) }

// head is the names of the columns as text.
func (r *Result) head() []string {
	names := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		names[i] = term.Escape(c)
	}
	return names
}

// line is a row as text. It is made anew when it is wanted, so that an answer is
// not held a second time.
func (r *Result) line(row []any) []string {
	line := make([]string, len(row))
	for i, v := range row {
		line[i] = cell(clip(v))
		if f, ok := v.(float64); ok && r.Columns[i] == "percent" {
			line[i] = strconv.FormatFloat(f, 'f', 2, 64)
		}
	}
	return line
}

// widths tells how wide each column wants to be.
func (r *Result) widths() []int {
	widths := make([]int, len(r.Columns))
	grow := func(line []string) {
		for i, s := range line {
			widths[i] = min(cellWidest, max(widths[i], utf8.RuneCountInString(s)))
		}
	}
	grow(r.head())
	for _, row := range r.Rows {
		grow(r.line(row))
	}
	return widths
}

func total(widths []int) int {
	sum := columnGap * max(0, len(widths)-1)
	for _, n := range widths {
		sum += n
	}
	return sum
}

// fit narrows the widest columns until the table is as wide as the terminal,
// none below what tells anything.
func fit(widths []int, width int) []int {
	const least = 12
	widths = slices.Clone(widths)
	for over := total(widths) - width; over > 0; over-- {
		i := 0
		for j := range widths {
			if widths[j] > widths[i] {
				i = j
			}
		}
		if widths[i] <= least {
			break
		}
		widths[i]--
	}
	return widths
}

func align(line []string, widths []int, numeric []bool) string {
	cells := make([]string, len(line))
	for i, s := range line {
		s = shorten(s, widths[i])
		n := utf8.RuneCountInString(s)
		pad := strings.Repeat(" ", widths[i]-n)
		if numeric[i] {
			cells[i] = pad + s
		} else {
			cells[i] = s + pad
		}
	}
	return strings.Join(cells, strings.Repeat(" ", columnGap))
}

// shorten takes out of s, if it is too long, what lies behind its first third:
// user agents begin alike and differ at their end.
func shorten(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	head := (width - 1) / 3
	return string(runes[:head]) + "…" + string(runes[len(runes)-(width-1-head):])
}

// records writes each row as lines of a name and a value, for rows that no
// line of the terminal can hold.
func (r *Result) records(w io.Writer, width int) {
	head, names := r.head(), 0
	for _, name := range head {
		names = max(names, utf8.RuneCountInString(name))
	}
	names = min(names, width/3)
	for _, row := range r.Rows {
		for i, value := range r.line(row) {
			name := shorten(head[i], names)
			pad := strings.Repeat(" ", names-utf8.RuneCountInString(name)+columnGap)
			writeLine(w, name+pad+shorten(value, width-names-columnGap))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, r.foot())
}

// percents finds the column that gets bars, -1 where there is none or no room,
// and its largest value, which gets the longest.
func (r *Result) percents(room int) (column int, largest float64) {
	column = slices.Index(r.Columns, "percent")
	if room == 0 || column < 0 {
		return -1, 0
	}
	for _, row := range r.Rows {
		value, ok := row[column].(float64)
		if !ok {
			return -1, 0
		}
		largest = max(largest, value)
	}
	return column, largest
}

// drawn is a bar for value, to the eighth of a column.
func drawn(value, largest float64, width int) string {
	if largest <= 0 || value <= 0 {
		return ""
	}
	eighths := max(1, int(value/largest*float64(8*width)+0.5))
	full := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		full += string(rune('█' + 8 - rest)) // U+2589 is seven eighths, U+258F one
	}
	return full
}

// foot says how much there is.
func (r *Result) foot() string {
	s := plural(int64(len(r.Rows)), "row")
	if r.More {
		s = fmt.Sprintf("the first %s of more", s)
	}
	if r.Cut > 0 {
		s = fmt.Sprintf("%d of %s", len(r.Rows), plural(int64(len(r.Rows)+r.Cut), "row"))
	}
	if r.Title != "" {
		s += ", " + plural(r.Requests, "request") + " in all"
	}
	return s
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.FormatInt(n, 10) + " " + word + "s"
}
