package query

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tlskeeper/internal/table"
	"tlskeeper/internal/term"
)

const (
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
		if table.Total(widths) > width {
			r.records(w, width)
			return
		}
		if room := width - table.Total(widths) - table.Gap; room >= barLeast {
			bar = min(room, barWidest)
		}
	}
	numeric := r.numeric()
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("─", n)
	}
	fmt.Fprintln(w, table.Row(r.head(), widths, numeric))
	fmt.Fprintln(w, table.Row(rule, widths, numeric))
	percent, largest := r.percents(bar)
	if percent >= 0 {
		widths, numeric = append(widths, bar), append(numeric, false)
	}
	for _, row := range r.Rows {
		line := r.line(row)
		if percent >= 0 {
			line = append(line, drawn(row[percent].(float64), largest, bar))
		}
		fmt.Fprintln(w, table.Row(line, widths, numeric))
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
	widths := table.Widen(nil, r.head(), cellWidest)
	for _, row := range r.Rows {
		widths = table.Widen(widths, r.line(row), cellWidest)
	}
	return widths
}

// fit narrows the widest columns until the table is as wide as the terminal,
// none below what tells anything.
func fit(widths []int, width int) []int {
	const least = 12
	widths = slices.Clone(widths)
	for over := table.Total(widths) - width; over > 0; over-- {
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

// records writes each row as lines of a name and a value, for rows that no
// line of the terminal can hold.
func (r *Result) records(w io.Writer, width int) {
	head := r.head()
	names := min(slices.Max(table.Widths(0, head)), width/3)
	widths := []int{names, width - names - table.Gap}
	for _, row := range r.Rows {
		for i, value := range r.line(row) {
			fmt.Fprintln(w, table.Row([]string{head[i], value}, widths, nil))
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
