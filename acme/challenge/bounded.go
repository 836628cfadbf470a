package challenge

import (
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// mostConnections of one listener are open at once: a CA that looks from
	// five places at each of 100 names has 500.
	mostConnections = 1000
	// connectionTimeout bounds each; a CA waits as long for its answer.
	connectionTimeout = 10 * time.Second
	// acceptPause is the longest between two tries to accept.
	acceptPause = time.Second
)

// boundedListener is open to the whole Internet while a name is proven. Where
// all its places are taken, a newcomer gets that of the oldest connection: who
// only sits there cannot keep the CA out, nor use up our descriptors.
type boundedListener struct {
	net.Listener

	mu     sync.Mutex
	places []net.Conn // the last accepted, open or not
	next   int        // place to fill
}

func bounded(l net.Listener) *boundedListener {
	return &boundedListener{Listener: l, places: make([]net.Conn, connectionsFor(openFiles()))}
}

// Accept goes on where accepting fails, as it does without a free descriptor,
// until the listener is closed.
func (l *boundedListener) Accept() (net.Conn, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, acceptPause) {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.seat(conn)
			return conn, nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		time.Sleep(pause)
	}
}

func (l *boundedListener) seat(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if oldest := l.places[l.next]; oldest != nil {
		oldest.Close() // mostly once more
	}
	l.places[l.next] = conn
	l.next = (l.next + 1) % len(l.places)
}

// connectionsFor leaves three quarters of the descriptors to the rest of the
// program: there may be two listeners.
func connectionsFor(files uint64) int {
	return int(min(max(files/4, 8), mostConnections))
}

// openFiles is how many this process may have.
func openFiles() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return limit.Cur
}
