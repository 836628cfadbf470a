package filechange

import (
	"fmt"
	"strings"

	"tlskeeper/internal/term"
)

// diffContext is how many unchanged lines surround a change, as in diff -u.
const diffContext = 3

// maxDiffCells bounds the table of the comparison; larger pieces are shown as
// one replacement.
const maxDiffCells = 4 << 20

// Diff is the change as `diff -u` shows it, with terminal control bytes escaped.
// Of a file of the admin it shows no line beside ours.
func (f Change) Diff() string {
	oldName, newName := f.Path, f.Path
	if f.Old == nil {
		oldName = "/dev/null"
	}
	if f.New == nil {
		newName = "/dev/null"
	}
	context := diffContext
	if f.Edit {
		context = 0 // the lines around ours are the admin's, and may hold passwords
	}
	return escaped(unified(oldName, newName, f.Old.text(), f.New.text(), context))
}

// escaped leaves line ends and tabs as they are.
func escaped(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		line, end := strings.TrimSuffix(l, "\n"), l[len(strings.TrimSuffix(l, "\n")):]
		parts := strings.Split(line, "\t")
		for j := range parts {
			parts[j] = term.Escape(parts[j])
		}
		lines[i] = strings.Join(parts, "\t") + end
	}
	return strings.Join(lines, "")
}

func (s *State) text() string {
	switch {
	case s == nil:
		return ""
	case s.Target != "":
		return "link to " + s.Target + "\n"
	}
	return string(s.Data)
}

// unified renders the change of one file as diff -U context does. An absent
// side is /dev/null.
func unified(oldName, newName, oldText, newText string, context int) string {
	ops := compare(splitLines(oldText), splitLines(newText))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", oldName, newName)
	for start := 0; start < len(ops); {
		first := start
		for first < len(ops) && ops[first].kind == ' ' {
			first++
		}
		if first == len(ops) {
			break
		}
		end := hunkEnd(ops, first, context)
		writeHunk(&b, ops, max(start, first-context), end)
		start = end
	}
	return b.String()
}

// hunkEnd is behind the last change that is near enough to share a hunk, with
// its context.
func hunkEnd(ops []op, first, context int) int {
	end, same := first, 0
	for i := first; i < len(ops) && same <= 2*context; i++ {
		if ops[i].kind == ' ' {
			same++
			continue
		}
		same, end = 0, i+1
	}
	return min(len(ops), end+context)
}

func writeHunk(b *strings.Builder, ops []op, from, to int) {
	var oldStart, newStart, oldCount, newCount int
	for i, o := range ops[:to] {
		before := i < from
		if o.kind != '+' {
			count(before, &oldStart, &oldCount)
		}
		if o.kind != '-' {
			count(before, &newStart, &newCount)
		}
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", hunkRange(oldStart, oldCount), hunkRange(newStart, newCount))
	for _, o := range ops[from:to] {
		b.WriteByte(o.kind)
		b.WriteString(o.line)
		if !strings.HasSuffix(o.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

func count(before bool, start, n *int) {
	if before {
		*start++
	} else {
		*n++
	}
}

func hunkRange(start, n int) string {
	if n > 0 {
		start++
	}
	if n == 1 {
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, n)
}

type op struct {
	kind byte // ' ', '-' or '+'
	line string
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// compare finds the longest common subsequence of what lies between the equal
// beginnings and ends.
func compare(a, b []string) []op {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var ops []op
	ops = appendOps(ops, ' ', a[:head])
	ops = append(ops, middle(a[head:len(a)-tail], b[head:len(b)-tail])...)
	return appendOps(ops, ' ', a[len(a)-tail:])
}

func appendOps(ops []op, kind byte, lines []string) []op {
	for _, l := range lines {
		ops = append(ops, op{kind, l})
	}
	return ops
}

func middle(a, b []string) []op {
	if len(a)*len(b) > maxDiffCells {
		return appendOps(appendOps(nil, '-', a), '+', b)
	}
	length := table(a, b)
	var ops []op
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			ops = append(ops, op{' ', a[i]})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			ops = append(ops, op{'-', a[i]})
			i++
		default:
			ops = append(ops, op{'+', b[j]})
			j++
		}
	}
	return appendOps(appendOps(ops, '-', a[i:]), '+', b[j:])
}

// table[i][j] is the length of the longest common subsequence of a[i:], b[j:].
func table(a, b []string) [][]int {
	t := make([][]int, len(a)+1)
	for i := range t {
		t[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				t[i][j] = t[i+1][j+1] + 1
			} else {
				t[i][j] = max(t[i+1][j], t[i][j+1])
			}
		}
	}
	return t
}
