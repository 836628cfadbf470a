package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tlskeeper/internal/hint"
)

// matches lists what an Include line reads: files, and all of a directory.
func (s *Server) matches(n *node) []string {
	found, _ := filepath.Glob(abs(s.httpd.root, n.arg(0)))
	var out []string
	for _, path := range found {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			out = append(out, path)
			continue
		}
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			if !e.IsDir() {
				out = append(out, filepath.Join(path, e.Name()))
			}
		}
	}
	return out
}

func (s *Server) includeLines() []*node {
	return append(s.rawDirectives("IncludeOptional"), s.rawDirectives("Include")...)
}

// dangling finds links in include directories that lead nowhere: httpd leaves
// them out without a word, and with them a whole site.
func (s *Server) dangling() []Finding {
	var out []Finding
	for _, n := range s.rawDirectives("IncludeOptional") {
		for _, path := range s.matches(n) {
			target, err := os.Readlink(path)
			if err == nil && !exists(path) && path != s.globalEffective() {
				out = append(out, Finding{Code: "dangling", File: path,
					What: "is a link to " + target + ", which does not exist: Apache leaves it out without a word (" + n.place() + ")"})
			}
		}
	}
	return out
}

// hung explains why httpd did not come back from reading its files: a FIFO or
// a device among them waits for a writer for ever.
func (s *Server) hung(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if path := s.special(); path != "" {
		f := Finding{Code: "not-a-file", File: path, What: "is no regular file; httpd waits for it for ever"}
		return hint.Wrap(&RefusedError{Why: "Apache cannot read its own configuration", Findings: []Finding{f}}, "move it out of the include directory")
	}
	return err
}

// maxIncluded bounds the walk, should files include each other.
const maxIncluded = 20_000

// special walks the includes by their text, as httpd could not, and returns
// the first that is neither a file nor a directory.
func (s *Server) special() string {
	walk := &Server{httpd: s.httpd, includes: []included{{file: s.ConfigFile, parent: -1}}}
	for i := 0; i < len(walk.includes) && i < maxIncluded; i++ {
		one := &Server{httpd: s.httpd, includes: walk.includes[i : i+1]}
		for _, n := range one.includeLines() {
			for _, path := range one.matches(n) {
				info, err := os.Stat(path)
				switch {
				case err != nil || walk.isIncluded(path):
				case info.Mode().IsRegular():
					walk.includes = append(slices.Clip(walk.includes), included{file: path, parent: i})
				case info.Mode()&(fs.ModeNamedPipe|fs.ModeDevice|fs.ModeSocket) != 0:
					return path
				}
			}
		}
	}
	return ""
}

// logFaults: httpd opens the log at the reload, and one whose directory is
// missing ends it (AH02297). The shadow does not write it.
func (p *planner) logFaults() {
	dir := filepath.Dir(p.s.cfg.TLSLog)
	if p.s.cfg.TLSLog == "" {
		return
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		p.block(Finding{Code: "log-directory", File: dir, What: "is no directory, and Apache would not start without it",
			Fix: fmt.Sprintf("mkdir -m 0750 %s, or set [apache] tls_log", dir)})
	}
}
