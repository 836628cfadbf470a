package ingest

import (
	"errors"
	"fmt"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/accesslog"
	"tlskeeper/logship/store"
)

// So many lines, or bytes of lines, that in a row are not in the format are no
// damage of the log any more: a process of Apache that dies, or a full disk,
// spoils a line or two.
const (
	maxForeign      = 100_000
	maxForeignBytes = 64 << 20
)

// errForeign says that a file is surely not the one that was meant: no line of
// its beginning is in the format of the log. Nothing of it is stored.
var errForeign = errors.New("no line is in the format of the TLS log: is it another one? nothing was taken in")

// judge looks at the lines of one file, block by block.
type judge struct {
	parser accesslog.Parser
	lines  int64 // all
	row    int64 // the last ones, none of which is in the format
	bytes  int64 // of these
}

// look counts the lines that are not in the format. It is an error when these
// are too many in a row; of that block nothing is to be taken in.
func (j *judge) look(lines []store.Line) (foreign int64, err error) {
	first := j.lines == 0
	for _, line := range lines {
		j.lines++
		if _, err := j.parser.Scan(line.Raw); err == nil {
			j.row, j.bytes = 0, 0
			continue
		}
		foreign++
		j.row++
		j.bytes += int64(len(line.Raw))
		if j.row > maxForeign || j.bytes > maxForeignBytes {
			return foreign, j.tooMany()
		}
	}
	if first && len(lines) > 0 && foreign == int64(len(lines)) {
		return foreign, errForeign
	}
	return foreign, nil
}

func (j *judge) tooMany() error {
	return hint.Wrap(fmt.Errorf("after line %d, %d lines in a row are not in the format of the TLS log: it is not read any further", j.lines-j.row, j.row),
		"cut these lines out of a copy of the file, and name that")
}
