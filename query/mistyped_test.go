package query

import (
	"strings"
	"testing"

	"tlskeeper/internal/hint"
)

// A mistake is shown where it stands.
func TestMistakesArePointedAt(t *testing.T) {
	db := testDB(t, logText(10, 1))
	long := "SELECT " + strings.Repeat("cipher, ", 30) + "ciper FROM log"
	for sql, want := range map[string]struct{ text, hint string }{
		"SELEC cipher FROM log":                             {"sql: near \"SELEC\": syntax error\n  SELEC cipher FROM log\n  ^~~~~", ""},
		"SELECT cipher,, http FROM log":                     {"sql: near \",\": syntax error\n  SELECT cipher,, http FROM log\n                ^", ""},
		"SELECT http FROM log\nWHERE (vhost = 1 GROUP BY 1": {"sql: near \"GROUP\": syntax error\n  WHERE (vhost = 1 GROUP BY 1\n                   ^~~~~", ""},
		"SELECT http FROM log LIMIT":                        {"sql: the question ends too early\n  SELECT http FROM log LIMIT\n                            ^", ""},
		"SELECT (count(*) FROM log":                         {"sql: near \"FROM\": syntax error\n  SELECT (count(*) FROM log\n                   ^~~~", ""},
		"SELECT 'abc FROM log":                              {"sql: ' is not closed\n  SELECT 'abc FROM log\n         ^", ""},
		"SELECT http, Ciper FROM log":                       {"sql: no such column: Ciper\n  SELECT http, Ciper FROM log\n               ^~~~~", "did you mean cipher?"},
		"SELECT l.ciper FROM log l":                         {"sql: no such column: l.ciper\n  SELECT l.ciper FROM log l\n           ^~~~~", "did you mean cipher?"},
		"SELECT quux FROM log":                              {"sql: no such column: quux\n  SELECT quux FROM log\n         ^~~~", "log has the columns time, client"},
		"SELECT * FROM logs":                                {"sql: no such table: logs\n  SELECT * FROM logs\n                ^~~~", "did you mean log?"},
		"SELECT cnt(1) FROM log":                            {"sql: no such function: cnt\n  SELECT cnt(1) FROM log\n         ^~~", ""},
		"SELECT\t'é\x1b', ciper FROM log":                   {"sql: no such column: ciper\n  SELECT 'é\\x1b', ciper FROM log\n                  ^~~~~", ""},
		long:                                                {"cipher, ciper FROM log\n", ""},
	} {
		_, err := db.Run(t.Context(), sql, Options{})
		if err == nil || !strings.Contains(err.Error(), want.text) || !strings.Contains(hint.Of(err), want.hint) {
			t.Errorf("%q\ngot  %v\nwant %s\nhint %q, want %q", sql, err, want.text, hint.Of(err), want.hint)
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if len([]rune(line)) > 78 {
				t.Errorf("%q: a line of %d characters", sql, len(line))
			}
		}
	}
}

// What would change something is one mistake, whatever it would change.
func TestWritesAreOneMistake(t *testing.T) {
	db := testDB(t, logText(10, 1))
	for _, sql := range []string{"DELETE FROM log", "UPDATE log SET cipher = ''", "INSERT INTO hits VALUES (1)", "DELETE FROM request",
		"DROP VIEW log", "CREATE TABLE x (a)", "CREATE TEMP TABLE x AS SELECT 1", "ATTACH 'x' AS y", "DETACH main", "PRAGMA user_version = 3", "PRAGMA table_info(log)",
		"VACUUM INTO 'x'", "REINDEX", "ANALYZE", "BEGIN", "SAVEPOINT a", "SELECT 1; SELECT 2", "WITH x AS (SELECT 1) DELETE FROM request"} {
		if _, err := db.Run(t.Context(), sql, Options{}); err == nil || !strings.Contains(err.Error(), "only one SELECT") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
