package query

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"tlskeeper/internal/term"
)

// Formats are the names that Write knows.
var Formats = []string{"table", "csv", "json", "markdown"}

// Write writes r as format says. A table is cut to width columns and gets bars
// beside its percentages; with width 0, for a file or a pipe, neither is done.
func (r *Result) Write(w io.Writer, format string, width int) error {
	out := bufio.NewWriter(w)
	var err error
	switch format {
	case "", "table":
		r.table(out, width)
	case "csv", "json":
		err = newStream(out, format).all(r)
	case "markdown":
		r.markdown(out)
	default:
		return fmt.Errorf("format %q: want %s", format, strings.Join(Formats, ", "))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// cell is a value as text, harmless for a terminal.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return term.Escape(v)
	}
	return term.Escape(fmt.Sprint(v))
}

// runs tells whether a spreadsheet would run the cell of v; numbers it takes as such.
func runs(v any) bool {
	switch v := v.(type) {
	case string:
		return isFormula(v)
	case float64:
		return math.IsInf(v, 0)
	}
	return false
}

// isFormula tells what a spreadsheet would run. A lone dash, which httpd writes
// for a value that is missing, is not one.
func isFormula(s string) bool {
	return len(s) > 0 && s != "-" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
}

func texts(columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = term.Escape(c)
		if isFormula(c) {
			out[i] = "'" + out[i]
		}
	}
	return out
}

// distinct gives a second column of one name a number, so that no value is lost.
func distinct(columns []string) []string {
	seen := map[string]int{}
	out := make([]string, len(columns))
	for i, c := range columns {
		seen[c]++
		out[i] = c
		if n := seen[c]; n > 1 {
			out[i] = c + "_" + strconv.Itoa(n)
		}
	}
	return out
}

// literal writes a JSON value, harmless for a terminal. JSON has no infinity.
func literal(v any) (string, error) {
	if f, ok := v.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		v = nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing JSON: %w", err)
	}
	return term.EscapeJSON(string(b)), nil
}

// markdown writes a table for an issue or a wiki.
func (r *Result) markdown(w io.Writer) {
	numeric := r.numeric()
	fmt.Fprint(w, "|")
	for _, c := range r.Columns {
		fmt.Fprintf(w, " %s |", markdownText(term.Escape(c)))
	}
	fmt.Fprint(w, "\n|")
	for i := range r.Columns {
		if numeric[i] {
			fmt.Fprint(w, "---:|")
		} else {
			fmt.Fprint(w, "---|")
		}
	}
	fmt.Fprintln(w)
	for _, row := range r.Rows {
		fmt.Fprint(w, "|")
		for _, v := range row {
			fmt.Fprintf(w, " %s |", markdownText(cell(v)))
		}
		fmt.Fprintln(w)
	}
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, `|`, `\|`, "`", "\\`", `*`, `\*`, `_`, `\_`,
	`[`, `\[`, `]`, `\]`, `<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`)

func markdownText(s string) string { return markdownEscapes.Replace(s) }

// numeric tells which columns hold numbers only.
func (r *Result) numeric() []bool {
	is := make([]bool, len(r.Columns))
	for i := range is {
		is[i] = len(r.Rows) > 0
		for _, row := range r.Rows {
			switch row[i].(type) {
			case int64, float64, nil:
			default:
				is[i] = false
			}
		}
	}
	return is
}
