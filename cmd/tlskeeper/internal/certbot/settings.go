package certbot

import (
	"strconv"
	"strings"
)

// Settings is one renewal/NAME.conf: a ConfigObj file with keys at the top, a
// section [renewalparams], and in it [[webroot_map]].
type Settings struct {
	Top      map[string]string
	Params   map[string]string
	Webroots map[string]string // by name
}

// parseSettings reads what is there; lines that mean nothing are passed over,
// as certbot itself wrote the file.
func parseSettings(text string) Settings {
	s := Settings{Top: map[string]string{}, Params: map[string]string{}, Webroots: map[string]string{}}
	into := s.Top
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "[["):
			into = map[string]string{} // a section that we do not know
			if section(line) == "webroot_map" {
				into = s.Webroots
			}
		case line[0] == '[':
			into = map[string]string{}
			if section(line) == "renewalparams" {
				into = s.Params
			}
		default:
			if key, value, ok := strings.Cut(line, "="); ok {
				into[unquote(strings.TrimSpace(key))] = plainValue(strings.TrimSpace(value))
			}
		}
	}
	return s
}

func section(line string) string {
	name, _, _ := strings.Cut(line, "#")
	return strings.Trim(strings.TrimSpace(name), "[] ")
}

// plainValue is a value without its comment, and without quotes where they are
// around the whole; Python's None is nothing.
func plainValue(v string) string {
	v = strings.TrimSpace(v[:commentAt(v)])
	if quoted := unquote(v); quoted != v && !strings.ContainsRune(quoted, rune(v[0])) {
		return quoted
	}
	if v == "None" {
		return ""
	}
	return v
}

// commentAt is where a # outside quotes begins a comment, or the end.
func commentAt(v string) int {
	var quote byte
	for i := range len(v) {
		switch c := v[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'' && (i == 0 || v[i-1] == ' ' || v[i-1] == ','):
			quote = c
		case c == '#' && i > 0 && v[i-1] == ' ':
			return i
		}
	}
	return len(v)
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// list takes a value of several apart: "a, b" or "a,".
func list(v string) []string {
	var items []string
	for _, item := range strings.Split(v, ",") {
		if item = unquote(strings.TrimSpace(item)); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// truth reads Python's True and False; anything else is false.
func truth(v string) bool { return strings.EqualFold(v, "true") }

func number(v string) int {
	n, _ := strconv.Atoi(v)
	return n
}
