package query

import (
	"encoding/csv"
	"fmt"
	"io"
)

// stream writes an answer row by row, so that it need not be held in memory.
type stream struct {
	head func(columns []string) error
	row  func(values []any) error
	end  func() error
}

func newStream(w io.Writer, format string) *stream {
	if format == "json" {
		return jsonStream(w)
	}
	return csvStream(w)
}

// all writes an answer that is held.
func (s *stream) all(r *Result) error {
	if err := s.head(r.Columns); err != nil {
		return err
	}
	for _, row := range r.Rows {
		if err := s.row(row); err != nil {
			return err
		}
	}
	return s.end()
}

// csvStream writes RFC 4180. A text that a spreadsheet would run as a formula
// gets an apostrophe before it (OWASP, CSV injection): a user agent may be any text.
func csvStream(w io.Writer) *stream {
	out := csv.NewWriter(w)
	return &stream{
		head: func(columns []string) error { return out.Write(texts(columns)) },
		row: func(values []any) error {
			record := make([]string, len(values))
			for i, v := range values {
				record[i] = cell(v)
				if runs(v) {
					record[i] = "'" + record[i]
				}
			}
			return out.Write(record)
		},
		end: func() error { out.Flush(); return out.Error() },
	}
}

// jsonStream writes one array with an object a row, its keys in the order of
// the columns.
func jsonStream(w io.Writer) *stream {
	var keys []string
	begin := "[\n  {"
	return &stream{
		head: func(columns []string) error {
			for _, c := range distinct(columns) {
				key, err := literal(c)
				if err != nil {
					return err
				}
				keys = append(keys, key)
			}
			return nil
		},
		row: func(values []any) error {
			line := begin
			begin = ",\n  {"
			for i, v := range values {
				value, err := literal(v)
				if err != nil {
					return err
				}
				if i > 0 {
					line += ", "
				}
				line += keys[i] + ": " + value
			}
			_, err := io.WriteString(w, line+"}")
			return err
		},
		end: func() error {
			if begin[0] == '[' {
				fmt.Fprint(w, "[")
			}
			_, err := io.WriteString(w, "\n]\n")
			return err
		},
	}
}
