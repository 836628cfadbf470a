package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/hint"
)

// maxObjects bounds what is read of a foreign schema.
const maxObjects = 200

// object is a row of sqlite_schema: a table, index, view or trigger.
type object struct{ kind, name, table, sql string }

// errForeign says that the file at path is a database of another program.
func errForeign(path string) error {
	return hint.Wrap(fmt.Errorf("%s: a SQLite database of something else", path), "name another file with --db, or [agent] database")
}

// inspect tells the version of the database of db, 0 for an empty one, in one
// transaction, so that nobody changes it between two looks. What is neither
// empty nor ours is an error. Nothing is written.
func inspect(ctx context.Context, db *sqlite3.SQLiteConn, path string, m *migrator) (version int64, err error) {
	if _, err := db.ExecContext(ctx, "BEGIN", nil); err != nil {
		return 0, openError(path, err)
	}
	defer db.Exec("ROLLBACK", nil)
	return judge(ctx, db, path, m)
}

// judge is inspect within a transaction that is open already.
func judge(ctx context.Context, db *sqlite3.SQLiteConn, path string, m *migrator) (version int64, err error) {
	version, err = number(ctx, db, "PRAGMA user_version")
	if err != nil {
		return 0, openError(path, err)
	}
	id, err := number(ctx, db, "PRAGMA application_id")
	if err != nil {
		return 0, openError(path, err)
	}
	objects, err := objectsOf(ctx, db)
	if err != nil {
		return 0, openError(path, err)
	}
	switch {
	case version == 0 && id == 0 && len(objects) == 0:
		return 0, nil
	case id != applicationID || version <= 0:
		return 0, errForeign(path)
	case version > m.version():
		return 0, hint.Wrap(&VersionError{path, int(version), int(m.version())},
			"use the newer tlskeeper that wrote it, or name another database")
	}
	return version, compare(path, objects, m.objects(version))
}

// statistics are what ANALYZE keeps, which change no answer: these tables, to the
// letter. A trigger, index or view could have their names (PRAGMA writable_schema).
var statistics = []object{
	{"table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"},
	{"table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"},
}

// objectsOf reads the schema, without the statistics.
func objectsOf(ctx context.Context, db *sqlite3.SQLiteConn) ([]object, error) {
	var objects []object
	err := selectRows(ctx, db, `SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema ORDER BY name LIMIT ?`,
		func(row []driver.Value) error {
			var o object
			if err := read(row, &o.kind, &o.name, &o.table, &o.sql); err != nil {
				return err
			}
			o.sql = plainSQL(o.sql)
			if !slices.Contains(statistics, o) {
				objects = append(objects, o)
			}
			return nil
		}, int64(maxObjects))
	return objects, err
}

// compare names the first object that should not be there, or should be and is
// not. A trigger or view of somebody's would run whenever we write or read.
func compare(path string, found, known []object) error {
	for i := range max(len(found), len(known)) {
		switch {
		case i < len(found) && i < len(known) && found[i] == known[i]:
		case i >= len(known) || i < len(found) && found[i].name < known[i].name:
			return strange(path, found[i], "is not of this program")
		case i >= len(found) || found[i].name > known[i].name:
			return strange(path, known[i], "is missing")
		default:
			return strange(path, known[i], "is not as this program made it")
		}
	}
	return nil
}

func strange(path string, o object, what string) error {
	return hint.Wrap(fmt.Errorf("%s: its schema was changed: the %s %q %s", path, o.kind, o.name, what), damagedHint)
}

// plainSQL is sql without comments, and with single blanks outside of quotes:
// the words of a schema may be laid out anew, and it remains the same.
func plainSQL(sql string) string {
	var b strings.Builder
	for rest := sql; rest != ""; {
		n, blank := token(rest)
		if !blank {
			b.WriteString(rest[:n])
		} else if s := b.String(); s != "" && s[len(s)-1] != ' ' {
			b.WriteByte(' ')
		}
		rest = rest[n:]
	}
	return strings.TrimRight(b.String(), " ")
}

// token is the length of the quoted text, comment, blank or byte that sql
// begins with; blank where it separates only.
func token(sql string) (n int, blank bool) {
	through := func(end string, from int) int {
		if i := strings.Index(sql[from:], end); i >= 0 {
			return from + i + len(end)
		}
		return len(sql)
	}
	switch {
	case strings.ContainsRune("'\"`", rune(sql[0])):
		return through(sql[:1], 1), false
	case sql[0] == '[':
		return through("]", 1), false
	case strings.HasPrefix(sql, "--"):
		return through("\n", 2), true
	case strings.HasPrefix(sql, "/*"):
		return through("*/", 2), true
	case strings.ContainsRune(" \t\r\n\f", rune(sql[0])):
		return 1, true
	}
	return 1, false
}
