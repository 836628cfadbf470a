package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// sqlExec runs sql on the database at path as another program would.
func sqlExec(t testing.TB, path, sql string) {
	t.Helper()
	conn := rawConn(t, path)
	defer conn.Close()
	if _, err := conn.Exec(sql, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func rawConn(t testing.TB, path string) *sqlite3.SQLiteConn {
	t.Helper()
	conn, err := (&sqlite3.SQLiteDriver{}).Open("file:" + escapePath(path))
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*sqlite3.SQLiteConn)
}

// files is the content of everything beside path, to see whether it was touched.
func filesBeside(t testing.TB, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "-shm") {
			continue // an index of the log, rebuilt by whoever reads
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	return all
}

func TestAForeignDatabaseIsNotTouched(t *testing.T) {
	for name, sql := range map[string]string{
		"a table":             "CREATE TABLE t(a)",
		"an id":               "PRAGMA application_id = 7; CREATE TABLE t(a)",
		"our id, no schema":   fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 1", applicationID),
		"our id, version 0":   fmt.Sprintf("PRAGMA application_id = %d; CREATE TABLE t(a)", applicationID),
		"a version":           "PRAGMA user_version = 1; CREATE TABLE t(a)",
		"write-ahead logging": "PRAGMA journal_mode = WAL; CREATE TABLE t(a)",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			sqlExec(t, path, sql)
			before := filesBeside(t, path)
			if s, err := Open(path, Options{}); err == nil {
				s.Close()
				t.Fatal("it was taken")
			}
			if after := filesBeside(t, path); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("the file was changed")
			}
		})
	}
}

// A foreign database whose writer lives (or was killed) has its newest pages in
// the write-ahead log; they stay there.
func TestAForeignWriteAheadLogIsNotEmptied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	conn := rawConn(t, path)
	defer conn.Close()
	if _, err := conn.Exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a)", nil); err != nil {
		t.Fatal(err)
	}
	before := filesBeside(t, path)
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Fatalf("got %v", err)
	}
	if after := filesBeside(t, path); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the files were changed")
	}
}

func TestAnOddFileIsRefusedAtOnce(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a FIFO":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link": func(path string) error {
			return errors.Join(os.WriteFile(path+".empty", nil, 0o600), os.Symlink(path+".empty", path))
		},
		"a second name": func(path string) error {
			return errors.Join(os.WriteFile(path+".empty", nil, 0o600), os.Link(path+".empty", path))
		},
	} {
		for _, beside := range []string{"", "-wal"} {
			t.Run(name+beside, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "tls.db")
				if err := make(path); err != nil {
					t.Fatal(err)
				}
				if beside != "" {
					os.WriteFile(path+beside, nil, 0o600)
				}
				before, _ := os.ReadDir(filepath.Dir(path))
				_, openErr := Open(path, Options{})
				_, readErr := OpenReadOnly(t.Context(), path)
				if openErr == nil || readErr == nil {
					t.Errorf("opened: %v, read: %v", openErr, readErr)
				}
				if after, _ := os.ReadDir(filepath.Dir(path)); len(after) != len(before) {
					t.Errorf("files were made: %v", after)
				}
			})
		}
	}
}

// What lies beside the database may be exchanged as well.
func TestTheFilesBesideTheDatabaseAreJudgedAsTheyAreOpened(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		for name, plant := range map[string]func(victim, path string) error{"link": os.Symlink, "second name": os.Link} {
			t.Run(name+suffix, func(t *testing.T) {
				dir := t.TempDir()
				path, victim := filepath.Join(dir, "tls.db"), filepath.Join(dir, "victim")
				s, err := Open(path, Options{})
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
				if suffix == "-journal" {
					sqlExec(t, path, "PRAGMA journal_mode = DELETE")
				}
				content := bytes.Repeat([]byte("root's own\n"), 5000)
				if err := os.WriteFile(victim, content, 0o600); err != nil {
					t.Fatal(err)
				}
				os.Remove(path + suffix)
				if err := plant(victim, path+suffix); err != nil {
					t.Fatal(err)
				}
				if s, err := Open(path, Options{}); err == nil {
					text := requests(10)
					appendTextErr(t, s, text)
					s.Close()
				}
				if now, _ := os.ReadFile(victim); !bytes.Equal(now, content) {
					t.Error("the victim was written to")
				}
			})
		}
	}
}

func appendTextErr(t testing.TB, s *Store, text string) error {
	t.Helper()
	lines, end := content(text)
	return s.Append(t.Context(), newFile(text), lines, end, true)
}

// strangeSchemas are changes that somebody could have made to our database.
var strangeSchemas = map[string]string{
	"trigger":                              "CREATE TRIGGER t AFTER INSERT ON request BEGIN SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c); END",
	"table":                                "CREATE TABLE other (a)",
	"view":                                 "DROP VIEW log; CREATE VIEW log AS SELECT 1 AS time",
	"index":                                "CREATE INDEX more ON request (ts)",
	"missing view":                         "DROP VIEW hits",
	"missing table":                        "DROP TABLE rejected",
	"column":                               "ALTER TABLE request ADD COLUMN more",
	"virtual table":                        "CREATE VIRTUAL TABLE v USING rtree(id, a, b)",
	"an edited schema":                     "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'address TEXT', 'address BLOB') WHERE name = 'client'; PRAGMA schema_version = 99",
	"a trigger named as the statistics":    "CREATE TRIGGER t AFTER INSERT ON request BEGIN SELECT 1; END" + asStatistics,
	"a view named as the statistics":       "CREATE VIEW t AS SELECT 1 AS tbl, 2 AS idx, 3 AS stat" + asStatistics,
	"an index named as the statistics":     "CREATE INDEX t ON request (ts)" + asStatistics,
	"statistics that ANALYZE did not make": "ANALYZE; PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE TABLE sqlite_stat1(tbl,idx,stat,more AS (abs(1)))' WHERE name = 'sqlite_stat1'; PRAGMA schema_version = 99",
}

// asStatistics gives the object t the name of the table that ANALYZE makes.
const asStatistics = `; PRAGMA writable_schema = 1; PRAGMA schema_version = 99;
	UPDATE sqlite_schema SET name = 'sqlite_stat1', tbl_name = replace(tbl_name, 't', iif(tbl_name = 't', 'sqlite_stat1', 't')),
		sql = replace(sql, ' t ', ' sqlite_stat1 ') WHERE name = 't'`

func TestAChangedSchemaIsRefused(t *testing.T) {
	for name, sql := range strangeSchemas {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tls.db")
			s, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			sqlExec(t, path, sql)
			err = appendTextErr(t, s, requests(3))
			if err == nil || !strings.Contains(err.Error(), "its schema was changed") {
				t.Errorf("the open store wrote on: %v", err)
			}
			if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "its schema was changed") {
				t.Errorf("opened: %v", err)
			}
			if _, err := OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), "its schema was changed") {
				t.Errorf("opened for reading: %v", err)
			}
		})
	}
}

func TestStatisticsOfAnalyzeAreNoChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sqlExec(t, path, "ANALYZE")
	if err := appendTextErr(t, s, requests(3)); err != nil {
		t.Error(err)
	}
}

// FuzzSchema: whatever somebody does to our database in SQL, it is taken for
// ours only while its tables are what they were.
func FuzzSchema(f *testing.F) {
	for _, sql := range strangeSchemas {
		f.Add(sql)
	}
	f.Add("ANALYZE")
	f.Add("PRAGMA writable_schema=1; UPDATE sqlite_schema SET sql = sql || ' -- more' WHERE name='state'")
	f.Add("PRAGMA writable_schema=1; UPDATE sqlite_schema SET sql = replace(sql, 'address', '/*''*/address')")
	f.Fuzz(func(t *testing.T, sql string) {
		if low := strings.ToLower(sql); strings.Contains(low, "attach") || strings.Contains(low, "vacuum") || strings.Contains(low, "recursive") {
			t.Skip()
		}
		path := filepath.Join(t.TempDir(), "tls.db")
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		before := shape(t, path)
		conn := rawConn(t, path)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		conn.ExecContext(ctx, sql, nil)
		cancel()
		conn.Close()
		r, err := OpenReadOnly(t.Context(), path)
		if err != nil {
			return
		}
		r.Close()
		if after := shape(t, path); after != before {
			t.Errorf("%q changes\n%s\nto\n%s\nand is taken for ours", sql, before, after)
		}
	})
}

// shape is what SQLite itself makes of the schema at path.
func shape(t *testing.T, path string) string {
	t.Helper()
	conn := rawConn(t, path)
	defer conn.Close()
	var b strings.Builder
	err := selectRows(t.Context(), conn, `SELECT s.type, s.name, x.cid, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
		FROM sqlite_schema s LEFT JOIN pragma_table_xinfo(s.name) x WHERE NOT (s.type = 'table' AND s.name IN ('sqlite_stat1', 'sqlite_stat4')) ORDER BY s.name, x.cid`,
		func(row []driver.Value) error {
			fmt.Fprintln(&b, row)
			return nil
		})
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// TestForeignValuesAreErrors: any column may hold any type, and whatever it
// holds is not a reason to panic.
func TestForeignValuesAreErrors(t *testing.T) {
	for _, object := range current.objects(current.version()) {
		if object.kind != "table" {
			continue
		}
		for _, value := range []string{"'x'", "-1", "9223372036854775807", "1.5", "x'00'"} {
			t.Run(object.name+" "+value, func(t *testing.T) { spoil(t, object.name, value) })
		}
	}
}

func spoil(t *testing.T, table, value string) {
	path := filepath.Join(t.TempDir(), "tls.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := appendTextErr(t, s, requests(50)+"not of the format\n"); err != nil {
		t.Fatal(err)
	}
	conn := rawConn(t, path)
	defer conn.Close()
	var columns []string
	err = selectRows(t.Context(), conn, "SELECT name FROM pragma_table_info(?)", func(row []driver.Value) error {
		columns = append(columns, row[0].(string))
		return nil
	}, table)
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range columns {
		conn.Exec(fmt.Sprintf("UPDATE OR IGNORE %s SET %s = %s", table, column, value), nil)
	}
	s.dict.forget()
	exercise(t, s)
}

// exercise calls everything; only a panic is a failure.
func exercise(t *testing.T, s *Store) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	appendTextErr(t, s, requests(60))
	s.Files(ctx)
	s.Pending(ctx, 0, 100)
	s.Backlog(ctx)
	s.Stats(ctx)
	s.Identify(ctx, newFile(requests(2)), []byte(requests(2)))
	s.MarkShipped(ctx, []int64{1, 2}, []Rejected{{3, "too old"}})
	s.Prune(ctx, time.Now())
}

// A statement that would run for ever ends with its context.
func TestEveryStatementEndsWithItsContext(t *testing.T) {
	s, err := OpenMemory(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const endless = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c`
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	ends := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ends("reading", s.look(ctx, func() error { return s.query(func([]driver.Value) error { return nil }, endless) }))
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	ends("writing", s.write(ctx, func() error {
		_, err := s.exec(`UPDATE state SET shipped = (` + endless + `)`)
		return err
	}))
}
