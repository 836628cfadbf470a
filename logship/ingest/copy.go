package ingest

import (
	"context"
	"errors"
	"io"

	"tlskeeper/logship/store"
)

// copyLines takes in everything that c gives. A last line without its newline
// counts in a packed file, to which nothing will be added.
func copyLines(ctx context.Context, s *store.Store, f *store.File, c *cutter, packed bool, r Result) (Result, error) {
	f.Offset = 0
	var j judge
	for {
		lines, end, err := c.next()
		atEnd := errors.Is(err, io.EOF)
		if err != nil && !atEnd {
			return r, err
		}
		if atEnd {
			from := end
			if lines, end = c.rest(); !packed {
				r.Unfinished = end - from
				return r, nil
			}
		}
		foreign, err := j.look(lines)
		if err != nil {
			return r, err
		}
		n, err := s.Import(ctx, f, lines, end)
		if err != nil {
			return r, err
		}
		r.New += n
		r.Lines += int64(len(lines))
		r.Unparsed += foreign
		if atEnd {
			return r, nil
		}
	}
}
