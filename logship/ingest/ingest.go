// Package ingest takes whole log files, plain or gzipped, into the store: history
// from before the agent (import), or just to ask them (query SQL FILE...).
// What it takes in is never shipped.
//
// It imports logship/accesslog, logship/lines, logship/store and, of internal, hint
// and regular.
//
// What a file holds is the choice of whoever wrote it, and a .gz of some hundred
// kilobytes may hold gigabytes: it is read in blocks that are bounded in bytes and
// in lines.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"syscall"

	"tlskeeper/internal/regular"
	"tlskeeper/logship/lines"
	"tlskeeper/logship/store"
)

// Result is what became of one file.
type Result struct {
	Path  string `json:"file"`
	Lines int64  `json:"lines"` // lines in it
	New   int64  `json:"new"`   // of them, those that were not in the store yet
	// Unparsed are lines of another format. They are kept as they are.
	Unparsed int64 `json:"unparsed,omitempty"`
	// Unfinished is the length of a last line without its newline in a plain
	// file, which somebody may still be writing. It is not taken in.
	Unfinished int64 `json:"unfinished_bytes,omitempty"`
	// Followed is how many bytes were left to the agent, which follows the file
	// and has not read them yet: taken in here, they would never be shipped.
	Followed int64 `json:"left_to_agent_bytes,omitempty"`
}

// Source is where files come from, where that is not simply their path.
type Source struct {
	Open func(path string) (*os.File, error) // nil: by its path; never anything but a regular file
	Read func(n int)                         // told how many bytes of a file were just read; nil: nobody
}

// Import takes files, which src opens, into s, each line exactly once, also when a file is given
// again under another name, compressed, or partly read by the agent. A file
// that fails does not stop the others; the errors come joined, and what was
// read of it before stays.
func Import(ctx context.Context, s *store.Store, src Source, paths []string, log *slog.Logger) ([]Result, error) {
	return take(ctx, s, src, paths, "importing", log)
}

// take is Import for a purpose, with which the errors begin.
func take(ctx context.Context, s *store.Store, src Source, paths []string, purpose string, log *slog.Logger) ([]Result, error) {
	var results []Result
	var failed []error
	for _, path := range paths {
		r, err := importFile(ctx, s, src, path)
		if ctx.Err() != nil {
			return append(results, r), ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", purpose, path, regular.Cause(err)))
		}
		if err == nil || r.Lines > 0 {
			results = append(results, r)
		}
		log.Debug("imported a file", "path", path, "lines", r.Lines, "new", r.New)
	}
	return results, errors.Join(failed...)
}

func importFile(ctx context.Context, s *store.Store, src Source, path string) (Result, error) {
	result := Result{Path: path}
	file, info, err := src.open(path)
	if err != nil {
		return result, err
	}
	defer file.Close()
	content, packed, err := unpack(&watched{File: file, ctx: ctx, read: src.Read})
	if err != nil {
		return result, err
	}
	head, err := lines.Head(content)
	if err != nil {
		return result, err
	}
	if len(head) == 0 {
		return result, nil
	}
	known := store.File{Path: path}
	st, _ := info.Sys().(*syscall.Stat_t)
	if st != nil {
		known.Dev, known.Inode = uint64(st.Dev), st.Ino
	}
	if err := s.Identify(ctx, &known, head); err != nil {
		return result, err
	}
	followed := st != nil && known.Inode == st.Ino && known.Dev == uint64(st.Dev)
	if followed {
		content = io.NewSectionReader(content, 0, known.Offset)
		result.Followed = max(0, info.Size()-known.Offset)
	} else if int64(len(head)) > known.FingerprintLen {
		known.SetFingerprint(head)
	}
	return copyLines(ctx, s, &known, content, packed, result)
}

// block is what is stored in one transaction: some 25,000 lines, a tenth of a
// second, so that the agent's own transactions get their turn.
const block = 4 << 20

// unpack returns the content of file, of what is inside when it begins as gzip does.
func unpack(file lines.File) (content io.ReaderAt, packed bool, err error) {
	if packed, err = lines.IsPacked(file); err != nil || !packed {
		return file, false, err
	}
	content, err = lines.OpenPacked(file)
	return content, true, err
}

// watched tells how far a file was read, until ctx ends.
type watched struct {
	*os.File
	ctx      context.Context
	read     func(n int) // nil: nobody asks
	at, told int64
}

func (w *watched) reached(end int64) {
	if end > w.told && w.read != nil {
		w.read(int(end - w.told))
		w.told = end
	}
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.File.ReadAt(p, off)
	w.reached(off + int64(n))
	return n, err
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.File.Read(p)
	w.at += int64(n)
	w.reached(w.at)
	return n, err
}

func (w *watched) Seek(offset int64, whence int) (int64, error) {
	at, err := w.File.Seek(offset, whence)
	w.at = at
	return at, err
}

// open opens a regular file, without waiting for anybody (a FIFO would).
func (src Source) open(path string) (*os.File, fs.FileInfo, error) {
	if src.Open == nil {
		return regular.Open(path)
	}
	f, err := src.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
