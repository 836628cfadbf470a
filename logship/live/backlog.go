package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"tlskeeper/internal/regular"
)

// backlog shows the lines that stand in the log from an offset on, and returns
// where they end. Half a line at the end is left for what follows; with Follow
// unset there is nothing that follows, and it is shown. hpcloud/tail is for the
// lines that come: it holds each whole before it cuts it, three times.
func backlog(ctx context.Context, c Config, from int64, v *view) (int64, error) {
	f, _, err := regular.Open(c.Path)
	if err != nil {
		return 0, notShown(c.Path, err)
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return 0, notShown(c.Path, err)
	}
	in := bufio.NewReaderSize(f, maxShown)
	for ctx.Err() == nil {
		text, length, err := shownLine(in)
		half := errors.Is(err, io.EOF)
		if err != nil && !half {
			return 0, notShown(c.Path, err)
		}
		if half && (length == 0 || c.Follow && length <= maxShown) {
			break
		}
		if err := v.line(text); err != nil {
			return 0, fmt.Errorf("showing %s: %w", c.Path, err)
		}
		from += length
		if half {
			break
		}
	}
	return from, nil
}

// shownLine reads a line of any length and keeps its first maxShown bytes. length
// counts all that was read, with the newline; the error is io.EOF where that is
// missing.
func shownLine(in *bufio.Reader) (text string, length int64, err error) {
	part, err := in.ReadSlice('\n')
	kept := string(bytes.TrimSuffix(part, []byte{'\n'}))
	length = int64(len(part))
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = in.ReadSlice('\n')
		length += int64(len(part))
	}
	newline := int64(0)
	if err == nil {
		newline = 1
	}
	if more := length - newline - int64(len(kept)); more > 0 {
		kept += fmt.Sprintf("... (%d more bytes)", more)
	}
	return kept, length, err
}
