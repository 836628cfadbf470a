package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
func OpenReadOnly(ctx context.Context, path string) (*Reader, error) {
	r, err := openReader(ctx, path)
	if err != nil {
		return nil, err
	}
	version, err := inspect(ctx, r.Conn, path, current)
	switch {
	case err != nil:
	case version == 0:
		err = hint.Wrap(fmt.Errorf("%s: the database is empty", path), "start the agent, or: tlskeeper import FILE...")
	case version < current.version():
		err = hint.Wrap(fmt.Errorf("%s: the database has the older schema %d", path, version), "the agent renews it: systemctl restart tlskeeper")
	}
	if err != nil {
		r.Conn.Close()
		return nil, err
	}
	return r, nil
}

func openReader(ctx context.Context, path string) (*Reader, error) {
	if err := isOrdinary(path); err != nil {
		return nil, openError(path, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &Reader{path: path, immutable: !exists(path + "-wal")}
	dsn := "file:" + escapePath(path) + "?mode=ro&_busy_timeout=5000"
	if r.immutable {
		dsn += "&immutable=1"
	}
	var err error
	r.Conn, err = connect(path, dsn)
	return r, err
}

// final tells whether what an unlocked look at a file found stays true: nobody
// was writing to it. A database that is just being made has a rollback journal
// still, and is to be looked at again.
func (r *Reader) final(ctx context.Context) bool {
	if !r.immutable {
		return true
	}
	return r.Valid() && !exists(r.path+"-journal")
}

// Valid tells whether what was read so far can be trusted. If not, a writer came
// to a database that was opened as immutable: open it again and ask again.
func (r *Reader) Valid() bool { return !r.immutable || !exists(r.path+"-wal") }

// Close closes the connection.
func (r *Reader) Close() error { return r.Conn.Close() }

// isOrdinary looks at path before SQLite does, whose words for it are poorer. It
// is no protection: SQLite's own open looks at what it opened (opensys.go).
func isOrdinary(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode(); {
	case mode.IsDir():
		return syscall.EISDIR
	case mode&fs.ModeSymlink != 0:
		return errors.New("a symbolic link, which is not followed: name the database by its own path")
	case !mode.IsRegular():
		return errors.New("not a regular file")
	case st != nil && st.Nlink > 1:
		return errors.New("the file has a second name (a hard link), under which others could change it: copy it, and use the copy")
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
