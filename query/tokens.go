package query

import (
	"errors"
	"fmt"
	"strings"
)

// kind is what a token of SQL is.
type kind int

const (
	word     kind = iota // identifier or keyword, not quoted
	quoted               // "x", [x] or `x`
	text                 // 'x'
	numeral              // 1, 0x1f, 1.5e3
	variable             // ?1, :x, @x, $x
	symbol               // anything else, one byte or two
)

// token is a piece of SQL and where it lies.
type token struct {
	kind  kind
	text  string // as typed
	start int
}

// is tells whether t is the keyword or symbol s, in any case of letters.
func (t token) is(s string) bool {
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(t.text, s)
}

// question is SQL that was typed, cut into tokens.
type question struct {
	sql    string
	tokens []token
}

// read cuts sql into tokens, of one statement without variables.
func read(sql string) (*question, error) {
	tokens, err := tokenize(sql)
	if err != nil {
		return nil, err
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].is(";") {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return nil, errors.New("sql: there is no question")
	}
	for _, t := range tokens {
		if t.is(";") {
			return nil, errNotSelect
		}
		if t.kind == variable {
			return nil, fmt.Errorf("sql: %s: variables cannot be given", t.text)
		}
	}
	last := tokens[len(tokens)-1]
	return &question{sql[:last.start+len(last.text)], tokens}, nil
}

// tokenize follows SQLite's tokenizer (sqlite.org/lang.html); comments and
// blanks are left out.
func tokenize(sql string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(sql); {
		k, n := next(sql[i:])
		if n < 0 {
			return nil, fmt.Errorf("sql: %s is not closed%s", sql[i:i+1], underline(sql, i, 1))
		}
		if k >= 0 {
			tokens = append(tokens, token{k, sql[i : i+n], i})
		}
		i += n
	}
	return tokens, nil
}

// skipped is the kind of blanks and comments.
const skipped kind = -1

// next returns the kind and the length of the token s begins with; the length is
// negative when a quote is not closed.
func next(s string) (kind, int) {
	switch c := s[0]; {
	case strings.IndexByte(" \t\r\n\f", c) >= 0:
		return skipped, 1
	case strings.HasPrefix(s, "--"):
		return skipped, until(s, "\n")
	case strings.HasPrefix(s, "/*"):
		return skipped, 2 + until(s[2:], "*/")
	case c == '\'':
		return text, closing(s, '\'')
	case c == '"', c == '`':
		return quoted, closing(s, c)
	case c == '[':
		if n := strings.IndexByte(s, ']'); n > 0 {
			return quoted, n + 1
		}
		return quoted, -1
	case c >= '0' && c <= '9', c == '.' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
		return numeral, numeralLen(s)
	case strings.IndexByte("?:@$", c) >= 0:
		return variable, 1 + wordLen(s[1:])
	case wordByte(c):
		return word, wordLen(s)
	}
	for _, two := range []string{"<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->"} {
		if strings.HasPrefix(s, two) {
			return symbol, 2
		}
	}
	return symbol, 1
}

// until is the length of s up to and with end, or all of it.
func until(s, end string) int {
	if n := strings.Index(s, end); n >= 0 {
		return n + len(end)
	}
	return len(s)
}

// closing is the length of a quoted piece, in which a doubled quote is one.
func closing(s string, quote byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 == len(s) || s[i+1] != quote {
			return i + 1
		}
		i++
	}
	return -1
}

func numeralLen(s string) int {
	n := 0
	for n < len(s) && (wordByte(s[n]) || s[n] == '.' ||
		(s[n] == '+' || s[n] == '-') && n > 0 && (s[n-1] == 'e' || s[n-1] == 'E')) {
		n++
	}
	return n
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && (wordByte(s[n]) || s[n] == '$') {
		n++
	}
	return n
}

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
