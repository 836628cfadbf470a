package conf

import (
	"bufio"
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// Included is one file that httpd really read: from which line of which file.
type Included struct {
	File   string
	line   int // line of the Include in parent; 0 for the main file
	Parent int // index into the tree; -1 for the main file
}

var includeLine = regexp.MustCompile(`^( *)\((\*|\d+)\) (.*)$`)

// ParseIncludes reads `-D DUMP_INCLUDES`: two blanks more for each level.
func ParseIncludes(text string) []Included {
	var tree []Included
	var path []int // index of the last file of each level
	for _, l := range strings.Split(text, "\n") {
		m := includeLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		depth := max(0, len(m[1])/2-1)
		depth = min(depth, len(path))
		n := Included{File: m[3], Parent: -1}
		n.line, _ = strconv.Atoi(m[2])
		if depth > 0 {
			n.Parent = path[depth-1]
		}
		path = append(path[:depth], len(tree))
		tree = append(tree, n)
	}
	return tree
}

// Step is one level of a position: this line of this file.
type Step struct {
	File string
	Line int
}

// Position is the way from the main file to a line.
func Position(tree []Included, file string, line int) []Step {
	at := []Step{{file, line}}
	for i := range tree {
		if tree[i].File != file {
			continue
		}
		for n := tree[i]; n.Parent >= 0; n = tree[n.Parent] {
			at = append([]Step{{tree[n.Parent].File, n.line}}, at...)
		}
		break
	}
	return at
}

// Before tells whether httpd reads a before b. Files of one Include pattern
// are read in the order of their names.
func Before(a, b []Step) bool {
	for i := range min(len(a), len(b)) {
		if a[i].File != b[i].File {
			return a[i].File < b[i].File
		}
		if a[i].Line != b[i].Line {
			return a[i].Line < b[i].Line
		}
	}
	return len(a) < len(b)
}

// Line is one logical line of a configuration file.
type Line struct {
	First, Last int // physical lines, counted from 1
	Text        string
}

// Lines are the logical lines of a file: continued ones are joined as httpd does.
func Lines(text []byte) []Line {
	var out []Line
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, len(text)+1)
	open := false
	for n := 1; scan.Scan(); n++ {
		l := strings.TrimSuffix(scan.Text(), "\r")
		if !open {
			out = append(out, Line{First: n})
		}
		cur := &out[len(out)-1]
		open = strings.HasSuffix(l, `\`)
		cur.Text += strings.TrimSuffix(l, `\`)
		cur.Last = n
	}
	return out
}
