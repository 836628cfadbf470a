package httpd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/hint"
)

// Position is the way from the main file to a line.
func (s *Server) Position(file string, line int) []conf.Step {
	return conf.Position(s.includes, file, line)
}

// IsIncluded tells whether httpd has read this file.
func (s *Server) IsIncluded(file string) bool {
	return slices.ContainsFunc(s.includes, func(i conf.Included) bool { return i.File == file })
}

// RawDirectives are lines of this name found by text, not by httpd: only for what the dump
// does not print (LoadModule, Include), and never as the last word.
func (s *Server) RawDirectives(name string) []*conf.Node {
	var out []*conf.Node
	seen := map[string]bool{}
	for _, inc := range s.includes {
		lines, err := ReadConf(inc.File)
		if err != nil || seen[inc.File] {
			continue
		}
		seen[inc.File] = true
		for _, l := range lines {
			word, args := conf.SplitDirective(strings.TrimSpace(l.Text))
			if strings.EqualFold(word, name) {
				args = os.Expand(args, s.httpd.getenv)
				out = append(out, &conf.Node{Name: word, Args: strings.TrimSpace(args), File: inc.File, Line: l.Last})
			}
		}
	}
	return out
}

// Slot finds the Include line that would read path, and so its position.
func (s *Server) Slot(path string) ([]conf.Step, bool) {
	for _, n := range s.includeLines() {
		pattern := conf.Abs(s.httpd.root, n.Arg(0))
		matched, _ := filepath.Match(pattern, path)
		if matched || filepath.Clean(pattern) == filepath.Dir(path) {
			return append(conf.Position(s.includes, n.File, n.Line), conf.Step{File: path}), true
		}
	}
	return nil, false
}

// Matches lists what an Include line reads: files, and all of a directory.
func (s *Server) Matches(n *conf.Node) []string {
	found, _ := filepath.Glob(conf.Abs(s.httpd.root, n.Arg(0)))
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

func (s *Server) includeLines() []*conf.Node {
	return append(s.RawDirectives("IncludeOptional"), s.RawDirectives("Include")...)
}

// hung explains why httpd did not come back from reading its files: a FIFO or
// a device among them waits for a writer for ever.
func (s *Server) hung(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if path := s.special(); path != "" {
		f := conf.Finding{Code: "not-a-file", File: path, What: "is not a regular file; httpd waits for it for ever"}
		return hint.Wrap(&conf.RefusedError{Why: "Apache cannot read its own configuration", Findings: []conf.Finding{f}}, "move it out of the include directory")
	}
	return err
}

// maxIncluded bounds the walk, should files include each other.
const maxIncluded = 20_000

// special walks the includes by their text, as httpd could not, and returns
// the first that is neither a file nor a directory.
func (s *Server) special() string {
	walk := &Server{httpd: s.httpd, includes: []conf.Included{{File: s.ConfigFile, Parent: -1}}}
	for i := 0; i < len(walk.includes) && i < maxIncluded; i++ {
		one := &Server{httpd: s.httpd, includes: walk.includes[i : i+1]}
		for _, n := range one.includeLines() {
			for _, path := range one.Matches(n) {
				info, err := os.Stat(path)
				switch {
				case err != nil || walk.IsIncluded(path):
				case info.Mode().IsRegular():
					walk.includes = append(slices.Clip(walk.includes), conf.Included{File: path, Parent: i})
				case info.Mode()&(fs.ModeNamedPipe|fs.ModeDevice|fs.ModeSocket) != 0:
					return path
				}
			}
		}
	}
	return ""
}
