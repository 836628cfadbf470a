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
)

// table writes columns aligned under their names.
func (r *Result) table(w io.Writer, width int) {
	if r.Title != "" {
		fmt.Fprintf(w, "%s\n\n", term.Escape(r.Title))
	}
	grid, widths := r.grid()
	bar := 0
	if width > 0 {
		widths = fit(widths, width)
		if total(widths) > width {
			r.records(w, grid, width)
			return
		}
		if room := width - total(widths) - columnGap; room >= barLeast {
			bar = min(room, barWidest)
		}
	}
	percent := slices.Index(r.Columns, "percent")
	numeric := r.numeric()
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("─", n)
	}
	for n, line := range slices.Insert(grid, 1, rule) {
		text := align(line, widths, numeric)
		if n > 1 && percent >= 0 && bar > 0 {
			text += strings.Repeat(" ", columnGap+total(widths)-utf8.RuneCountInString(text)) + r.bar(n-2, percent, bar)
		}
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
	fmt.Fprintf(w, "\n%s\n", r.foot())
}

// grid is the head and all rows as text, and how wide each column is.
func (r *Result) grid() ([][]string, []int) {
	grid := [][]string{make([]string, len(r.Columns))}
	for i, c := range r.Columns {
		grid[0][i] = term.Escape(c)
	}
	for _, row := range r.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = cell(v)
			if f, ok := v.(float64); ok && r.Columns[i] == "percent" {
				line[i] = strconv.FormatFloat(f, 'f', 2, 64)
			}
		}
		grid = append(grid, line)
	}
	widths := make([]int, len(r.Columns))
	for _, line := range grid {
		for i, s := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	return grid, widths
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
func (r *Result) records(w io.Writer, grid [][]string, width int) {
	names := 0
	for _, name := range grid[0] {
		names = max(names, utf8.RuneCountInString(name))
	}
	names = min(names, width/3)
	for _, row := range grid[1:] {
		for i, value := range row {
			name := shorten(grid[0][i], names)
			pad := strings.Repeat(" ", names-utf8.RuneCountInString(name)+columnGap)
			fmt.Fprintln(w, strings.TrimRight(name+pad+shorten(value, width-names-columnGap), " "))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, r.foot())
}

// bar draws row n's percentage, the longest bar being the largest of the column.
func (r *Result) bar(n, column, width int) string {
	largest := 0.0
	for _, row := range r.Rows {
		largest = max(largest, row[column].(float64))
	}
	value := r.Rows[n][column].(float64)
	if largest == 0 || value == 0 {
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
