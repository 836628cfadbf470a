package config

import (
	"fmt"
	"strings"
)

// lines maps a dotted key ("acme.email", "certificate[1].names",
// "certificate[1]") to the line it stands on. The TOML library knows keys only
// without the index of a repeated table, where every second certificate would
// be blamed on the last, so the positions are found here.
type lines map[string]int

// at is the line of key, or of the nearest table around it.
func (l lines) at(key string) int {
	for {
		if n, ok := l[key]; ok {
			return n
		}
		i := strings.LastIndexAny(key, ".[")
		if i < 0 {
			return 0
		}
		key = key[:i]
	}
}

// lineTable scans text, which is known to be valid TOML: headers and keys at
// the beginning of a line, values skipped whatever they hold.
func lineTable(text string) lines {
	s := scanner{text: text, line: 1, found: lines{}, repeated: map[string]int{}}
	for s.pos < len(s.text) {
		s.statement()
	}
	return s.found
}

type scanner struct {
	text     string
	pos      int
	line     int
	table    string // dotted key of the current header, "" before the first
	found    lines
	repeated map[string]int // how often [[name]] was seen
}

// statement consumes one header, key with its value, comment or empty line.
func (s *scanner) statement() {
	s.skipBlanks()
	if s.pos >= len(s.text) {
		return
	}
	start := s.line
	switch s.text[s.pos] {
	case '\n', '#':
	case '[':
		s.header(start)
		return
	default:
		if key, ok := s.key(); ok {
			s.found[join(s.table, key)] = start
		}
	}
	s.skipValue()
}

func (s *scanner) skipBlanks() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

func (s *scanner) header(line int) {
	rest := s.text[s.pos:]
	if end := strings.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	s.pos += len(rest)
	double := strings.HasPrefix(rest, "[[")
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "["), "]")
	name = bare(name)
	if double {
		n := s.repeated[name]
		s.repeated[name] = n + 1
		name = fmt.Sprintf("%s[%d]", name, n)
	}
	s.table = name
	s.found[name] = line
}

// key reads up to the equals sign.
func (s *scanner) key() (string, bool) {
	end := strings.IndexAny(s.text[s.pos:], "=\n")
	if end < 0 || s.text[s.pos+end] == '\n' {
		return "", false
	}
	key := bare(s.text[s.pos : s.pos+end])
	s.pos += end + 1
	return key, true
}

// skipValue goes behind the newline that ends the statement: the first one
// outside strings and brackets.
func (s *scanner) skipValue() {
	for depth := 0; s.pos < len(s.text); {
		c := s.text[s.pos]
		switch c {
		case '"', '\'':
			s.skipString(c)
			continue
		case '#':
			s.skipComment()
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		s.pos++
		if c == '\n' {
			s.line++
			if depth <= 0 {
				return
			}
		}
	}
}

func (s *scanner) skipComment() {
	for s.pos < len(s.text) && s.text[s.pos] != '\n' {
		s.pos++
	}
}

// skipString goes behind a string of either quote, single or triple.
func (s *scanner) skipString(quote byte) {
	end := string(quote)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(s.text[s.pos:], triple) {
		end = triple
	}
	for s.pos += len(end); s.pos < len(s.text); s.pos++ {
		switch {
		case strings.HasPrefix(s.text[s.pos:], end):
			s.pos += len(end)
			return
		case s.text[s.pos] == '\\' && quote == '"':
			s.pos++
		}
		if s.pos < len(s.text) && s.text[s.pos] == '\n' {
			s.line++
		}
	}
}

// bare takes blanks and quotes off each part of a dotted key.
func bare(key string) string {
	parts := strings.Split(key, ".")
	for i := range parts {
		parts[i] = strings.Trim(parts[i], " \t\r\"'")
	}
	return strings.Join(parts, ".")
}

func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}
