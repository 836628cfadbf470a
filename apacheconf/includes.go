package apacheconf

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tlskeeper/internal/regular"
)

// included is one file that httpd really read: from which line of which file.
type included struct {
	file   string
	line   int // line of the Include in parent; 0 for the main file
	parent int // index into the tree; -1 for the main file
}

var includeLine = regexp.MustCompile(`^( *)\((\*|\d+)\) (.*)$`)

// parseIncludes reads `-D DUMP_INCLUDES`: two blanks more for each level.
func parseIncludes(text string) []included {
	var tree []included
	var path []int // index of the last file of each level
	for _, l := range strings.Split(text, "\n") {
		m := includeLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		depth := max(0, len(m[1])/2-1)
		depth = min(depth, len(path))
		n := included{file: m[3], parent: -1}
		n.line, _ = strconv.Atoi(m[2])
		if depth > 0 {
			n.parent = path[depth-1]
		}
		path = append(path[:depth], len(tree))
		tree = append(tree, n)
	}
	return tree
}

// step is one level of a position: this line of this file.
type step struct {
	file string
	line int
}

// position is the way from the main file to a line.
func position(tree []included, file string, line int) []step {
	at := []step{{file, line}}
	for i := range tree {
		if tree[i].file != file {
			continue
		}
		for n := tree[i]; n.parent >= 0; n = tree[n.parent] {
			at = append([]step{{tree[n.parent].file, n.line}}, at...)
		}
		break
	}
	return at
}

func (s *Server) isIncluded(file string) bool {
	return slices.ContainsFunc(s.includes, func(i included) bool { return i.file == file })
}

// before tells whether httpd reads a before b. Files of one Include pattern
// are read in the order of their names.
func before(a, b []step) bool {
	for i := range min(len(a), len(b)) {
		if a[i].file != b[i].file {
			return a[i].file < b[i].file
		}
		if a[i].line != b[i].line {
			return a[i].line < b[i].line
		}
	}
	return len(a) < len(b)
}

// confLine is one logical line of a configuration file.
type confLine struct {
	first, last int // physical lines, counted from 1
	text        string
}

// readConf reads a configuration file's logical lines: continuation lines are
// joined as httpd does. It never blocks on a FIFO.
func readConf(path string) ([]confLine, error) {
	text, err := readRegular(path)
	if err != nil {
		return nil, err
	}
	return logicalLines(text), nil
}

const maxConfFile = 32 << 20

func readRegular(path string) ([]byte, error) { return regular.Read(path, maxConfFile) }

func logicalLines(text []byte) []confLine {
	var out []confLine
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, maxConfFile+1)
	open := false
	for n := 1; scan.Scan(); n++ {
		l := strings.TrimSuffix(scan.Text(), "\r")
		if !open {
			out = append(out, confLine{first: n})
		}
		cur := &out[len(out)-1]
		open = strings.HasSuffix(l, `\`)
		cur.text += strings.TrimSuffix(l, `\`)
		cur.last = n
	}
	return out
}

// rawDirective is a line found by text, not by httpd: only for what the dump
// does not print (LoadModule, Include), and never as the last word.
func (s *Server) rawDirectives(name string) []*node {
	var out []*node
	seen := map[string]bool{}
	for _, inc := range s.includes {
		lines, err := readConf(inc.file)
		if err != nil || seen[inc.file] {
			continue
		}
		seen[inc.file] = true
		for _, l := range lines {
			word, args := splitDirective(strings.TrimSpace(l.text))
			if strings.EqualFold(word, name) {
				args = os.Expand(args, s.httpd.getenv)
				out = append(out, &node{name: word, args: strings.TrimSpace(args), file: inc.file, line: l.last})
			}
		}
	}
	return out
}

// slot finds the Include line that would read path, and so its position.
func (s *Server) slot(path string) ([]step, bool) {
	for _, n := range s.includeLines() {
		pattern := abs(s.httpd.root, n.arg(0))
		matched, _ := filepath.Match(pattern, path)
		if matched || filepath.Clean(pattern) == filepath.Dir(path) {
			return append(position(s.includes, n.file, n.line), step{path, 0}), true
		}
	}
	return nil, false
}
