package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

// mistake is what SQLite says of one word of a question.
type mistake struct {
	text string // "near "FORM": syntax error"
	word string // the word, "" where the question ends too early
	at   int    // byte of the question, -1 where only the word is known
}

func (m *mistake) Error() string { return "sql: " + m.text }

// mistakeOf reads SQLite's message; nil where it names no word.
func mistakeOf(message string) *mistake {
	if word, found := strings.CutSuffix(message, ": syntax error"); found {
		word = strings.TrimSuffix(strings.TrimPrefix(word, `near "`), `"`)
		return &mistake{message, word, -1}
	}
	if message == "incomplete input" {
		return &mistake{"the question ends too early", "", -1}
	}
	for _, of := range []string{"no such column: ", "no such table: ", "no such function: ", "ambiguous column name: "} {
		if name, found := strings.CutPrefix(message, of); found {
			return &mistake{message, name[strings.LastIndexByte(name, '.')+1:], -1}
		}
	}
	return nil
}

// point shows where in q the mistake of err stands, and adds a hint.
func (q *question) point(err error) error {
	m, ok := errors.AsType[*mistake](err)
	if !ok {
		return err
	}
	switch {
	case m.word == "":
		m.at = len(q.sql)
	case strings.HasPrefix(m.text, "near "):
		m.at = q.faulty(m.text)
	case m.at < 0:
		m.at = q.find(m.word)
	}
	return hint.Wrap(fmt.Errorf("%w%s", m, underline(q.sql, m.at, len(m.word))), m.hint())
}

func (m *mistake) hint() string {
	switch {
	case strings.HasPrefix(m.text, "no such column"):
		if near := hint.Nearest(strings.ToLower(m.word), logColumns); near != "" {
			return "did you mean " + near + "?"
		}
		return "log has the columns " + strings.Join(logColumns, ", ")
	case strings.HasPrefix(m.text, "no such table"):
		if near := hint.Nearest(strings.ToLower(m.word), []string{"log", "hits"}); near != "" {
			return "did you mean " + near + "?"
		}
		return "ask FROM log: each request; or FROM hits: requests a day, counted"
	}
	return "tlskeeper query --help has examples"
}

// find is where the word stands first, -1 where it does not.
func (q *question) find(name string) int {
	i := slices.IndexFunc(q.tokens, func(t token) bool { return strings.EqualFold(t.text, name) })
	if i < 0 {
		return -1
	}
	return q.tokens[i].start
}

// faulty finds the token that SQLite complains of: its parser stops at the
// first one that cannot stand where it does, so the shortest beginning of the
// question with the same complaint ends in it. (The driver does not hand
// through sqlite3_error_offset.)
func (q *question) faulty(message string) int {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(":memory:")
	if err != nil {
		return -1
	}
	defer conn.Close()
	for _, t := range q.tokens {
		st, err := conn.Prepare(q.sql[:t.start+len(t.text)])
		if err == nil {
			st.Close()
		} else if err.Error() == message {
			return t.start
		}
	}
	return -1
}

// shownSQL is how much of a line of SQL is shown around a mistake.
const shownSQL = 70

// underline shows the line of sql that holds byte at, and marks length bytes
// there. It is empty where at is not known.
func underline(sql string, at, length int) string {
	if at < 0 {
		return ""
	}
	for at > len(sql) { // behind the end
		sql += " "
	}
	begin := strings.LastIndexByte(sql[:at], '\n') + 1
	before := plainRunes(sql[begin:at])
	line, _, _ := strings.Cut(sql[at:], "\n")
	length = min(max(length, 1), max(len(line), 1))
	marked, after := plainRunes(line[:min(length, len(line))]), plainRunes(line[min(length, len(line)):])
	if len(before) > shownSQL/2 {
		before = append([]rune("…"), before[len(before)-shownSQL/2:]...)
	}
	if room := shownSQL - len(before); len(marked)+len(after) > room {
		marked = marked[:min(len(marked), room)]
		after = append(after[:max(0, min(len(after), room-len(marked)))], '…')
	}
	mark := "^" + strings.Repeat("~", max(0, len(marked)-1))
	shown := strings.TrimRight(string(before)+string(marked)+string(after), " ")
	return "\n  " + shown + "\n  " + strings.Repeat(" ", len(before)) + mark
}

// plainRunes is s with one column a rune, and nothing that moves the cursor.
func plainRunes(s string) []rune {
	return []rune(term.Escape(strings.ReplaceAll(s, "\t", " ")))
}
