// Package storetest is another process that is in the way of those who write a
// database: one that holds a lock, or that reads and does not end.
//
// It imports nothing of the project, and only tests import it.
package storetest

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"
)

// The variables that make a test binary that process.
const (
	doing    = "STORETEST_DOES"
	database = "STORETEST_DATABASE"
)

// Main makes this process the other one, if it was started to be that; TestMain
// calls it first.
func Main() {
	act := map[string]func(string) error{"lock": lock, "read": read}[os.Getenv(doing)]
	if act == nil {
		return
	}
	if err := act(os.Getenv(database)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin) // until the test closes it, or is gone
	os.Exit(0)
}

// lock takes the lock that a writer needs. To share it, to be allowed to read the file
// is enough.
func lock(path string) error {
	fd, err := unix.Open(path+"-shm", unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Start: 120, Len: 1})
}

// read begins a transaction and looks at something, so that it has a snapshot.
func read(path string) error {
	conn, err := (&sqlite3.SQLiteDriver{}).Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=ro")
	if err != nil {
		return err
	}
	db := conn.(*sqlite3.SQLiteConn)
	if _, err := db.Exec("BEGIN", nil); err != nil {
		return err
	}
	rows, err := db.Query("SELECT count(*) FROM request", nil)
	if err != nil {
		return err
	}
	return rows.Close()
}

// Lock starts a process that holds the write lock of the database at path, until
// the returned function is called or the test ends.
func Lock(t testing.TB, path string) (pid int, end func()) { return start(t, "lock", path) }

// Read starts a process that holds a read transaction.
func Read(t testing.TB, path string) (pid int, end func()) { return start(t, "read", path) }

func start(t testing.TB, what, path string) (int, func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), doing+"="+what, database+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		in.Close()
		cmd.Wait()
	})
	t.Cleanup(end)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the other process: %q, %v", line, err)
	}
	return cmd.Process.Pid, end
}
