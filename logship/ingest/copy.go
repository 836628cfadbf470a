package ingest

import (
	"context"
	"io"

	"tlskeeper/logship/lines"
	"tlskeeper/logship/store"
)

// copyLines takes in every line of content. A last line without its newline
// counts in a packed file, to which nothing will be added.
func copyLines(ctx context.Context, s *store.Store, f *store.File, content io.ReaderAt, packed bool, r Result) (Result, error) {
	f.Offset = 0
	cutter, buf := lines.NewCutter(content, 0), make([]byte, block)
	var j judge
	for {
		list, end, err := cutter.Next(buf)
		if err != nil {
			return r, err
		}
		atEnd := end == cutter.At()
		if atEnd {
			if list, end, err = cutter.Rest(buf); err != nil {
				return r, err
			}
			if !packed {
				r.Unfinished = end - cutter.At()
				return r, nil
			}
		}
		foreign, err := j.look(list)
		if err != nil {
			return r, err
		}
		n, err := s.Import(ctx, f, list, end)
		if err != nil {
			return r, err
		}
		cutter.Advance(end)
		r.New += n
		r.Lines += int64(len(list))
		r.Unparsed += foreign
		if atEnd {
			return r, nil
		}
	}
}
