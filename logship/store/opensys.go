package store

// int tlskeeperGuardOpen(void);
import "C"

// SQLite's driver has no way to ask for SQLITE_OPEN_NOFOLLOW, and that flag says
// nothing of second names and of FIFOs. SQLite's own open(2) can be replaced,
// though (xSetSystemCall of sqlite3_vfs), so every file that SQLite opens in this
// program (database, journal, write-ahead log, temporary files) is judged by its
// descriptor: no link is followed, no regular file with a second name is used,
// nothing waits for the other end of a FIFO.
//
// It is the second layer: whoever opens a database in another user's directory
// should have no more rights than that user (package owner of internal).
func init() {
	if C.tlskeeperGuardOpen() != 0 {
		panic("store: this SQLite does not let its open(2) be replaced")
	}
}
