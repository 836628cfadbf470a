package query

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/hint"
)

var errNotSelect = hint.Wrap(errors.New("sql: only one SELECT can be asked; it may not change, attach or set anything"),
	"tlskeeper query lists the reports")

// sqliteRecursive is SQLITE_RECURSIVE, the authorizer's code for a recursive
// common table expression (sqlite3.h); the driver does not name it.
const sqliteRecursive = 33

// maxLength bounds a text or row, in bytes. SQLite compares two texts in one step,
// which no interrupt ends and which takes their lengths' product: 100 s for 8 MB
// in 4 MB, 2 s for 256 KiB. httpd's own limits keep a line below 64 KiB.
const maxLength = 256 << 10

// limits of a foreign statement. What they leave possible ends with the
// question's time, and with maxTemp: a large sort spills to a temporary file. In
// memory it would need a heap limit, which is one for the whole process.
var limits = map[int]int{
	sqlite3.SQLITE_LIMIT_LENGTH:              maxLength,
	sqlite3.SQLITE_LIMIT_SQL_LENGTH:          100_000,
	sqlite3.SQLITE_LIMIT_COLUMN:              200,
	sqlite3.SQLITE_LIMIT_EXPR_DEPTH:          100,
	sqlite3.SQLITE_LIMIT_COMPOUND_SELECT:     50,
	sqlite3.SQLITE_LIMIT_FUNCTION_ARG:        100,
	sqlite3.SQLITE_LIMIT_ATTACHED:            0,
	sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
	sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER:     16,
	sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH:       0,
	sqlite3.SQLITE_LIMIT_WORKER_THREADS:      0,
}

// fence makes conn safe for SQL that anybody typed.
func fence(conn *sqlite3.SQLiteConn) error {
	if _, err := conn.Exec("PRAGMA query_only = 1; PRAGMA cell_size_check = 1", nil); err != nil {
		return fmt.Errorf("fencing the connection: %w", err)
	}
	for id, value := range limits {
		conn.SetLimit(id, value)
	}
	conn.RegisterAuthorizer(authorize)
	return nil
}

// authorize allows reading, and denies everything else, also what a later
// SQLite may add.
func authorize(op int, arg1, arg2, _ string) int {
	switch op {
	case sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqliteRecursive:
		return sqlite3.SQLITE_OK
	case sqlite3.SQLITE_FUNCTION:
		if forbidden(strings.ToLower(arg2)) {
			return sqlite3.SQLITE_DENY
		}
		return sqlite3.SQLITE_OK
	}
	return sqlite3.SQLITE_DENY
}

// forbidden names the functions that reach beyond the values they are given.
func forbidden(function string) bool {
	return function == "load_extension" || strings.HasPrefix(function, "fts3") ||
		strings.HasPrefix(function, "rtree")
}
