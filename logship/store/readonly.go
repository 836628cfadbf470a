package store

import (
	"fmt"
	"os"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"tlskeeper/internal/hint"
)

// Reader is a connection that cannot write. A member of the group that may read
// the file may open it while the agent runs, after it stopped, and after it was
// killed:
//
//   - Writers keep the -wal and -shm files when they go (SQLITE_FCNTL_PERSIST_WAL).
//     With both there, SQLite reads a database of which it may write nothing,
//     with or without a living writer.
//   - Where they are missing (a copy of the database, or one that another tool
//     closed last), all is in the main file, and it is opened as immutable. A
//     writer that appears meanwhile could change it underneath: Valid tells.
type Reader struct {
	Conn      *sqlite3.SQLiteConn
	path      string
	immutable bool
}

// OpenReadOnly opens the database at path for questions. It is the caller's to
// fence the connection in before it gives it foreign SQL.
func OpenReadOnly(path string) (*Reader, error) {
	if err := isThere(path); err != nil {
		return nil, openError(path, err)
	}
	r := &Reader{path: path, immutable: !exists(path + "-wal")}
	dsn := "file:" + escapePath(path) + "?mode=ro&_busy_timeout=5000"
	if r.immutable {
		dsn += "&immutable=1"
	}
	conn, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, openError(path, err)
	}
	r.Conn = conn.(*sqlite3.SQLiteConn)
	ready, err := checkVersion(r.Conn, path)
	if err == nil && !ready {
		err = hint.Wrap(fmt.Errorf("%s: the database is empty", path), "start the agent, or: tlskeeper import FILE...")
	}
	if err != nil {
		r.Conn.Close()
		return nil, err
	}
	return r, nil
}

// Valid tells whether what was read so far can be trusted. If not, a writer came
// to a database that was opened as immutable: open it again and ask again.
func (r *Reader) Valid() bool { return !r.immutable || !exists(r.path+"-wal") }

// Close closes the connection.
func (r *Reader) Close() error { return r.Conn.Close() }

// isThere looks at path before SQLite does, whose words for it are poorer.
func isThere(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
