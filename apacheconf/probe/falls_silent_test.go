package probe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hasty is a pace for servers on loopback that are known to fall silent.

var hasty = Pace{Timeout: 80 * time.Millisecond, Pause: time.Millisecond, Limit: 2 * time.Second}

// oldAndNew is a server of TLS 1.0 to 1.3, of grade B for its old versions, and

// of C for 3DES.

func oldAndNew(t testing.TB) (handle func(net.Conn), roots *x509.CertPool) {
	cert := testCert(t, "ecdsa", "example.test")
	roots = x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10}
	return speaksTLS(config, http.NotFoundHandler()), roots
}

// trouble is what comes between a client and a server after a while.

var trouble = map[string]func(net.Conn){
	"silence":     silent,
	"closed":      func(conn net.Conn) { readRecord(conn) },
	"reset":       reset,
	"reset first": func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) },
	"plain HTTP":  answers([]byte("HTTP/1.1 429 Too Many Requests\r\n\r\n")),
	"half a ServerHello": func(conn net.Conn) {
		readRecord(conn)
		conn.Write([]byte{22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3, 1, 2, 3})
		silent(conn)
	},
	"a byte now and then": func(conn net.Conn) {
		readRecord(conn)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for _, b := range append([]byte{22, 3, 3, 1, 0}, make([]byte, 256)...) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			<-tick.C
		}
	},
	"half a ServerHello, then closed": answers([]byte{22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3, 1, 2, 3}),
	"busy":                            answers([]byte{21, 3, 3, 0, 2, 2, 80}),
	"declines everything":             answers([]byte{21, 3, 3, 0, 2, 2, 40}),
}

func reset(conn net.Conn) {
	readRecord(conn)
	conn.(*net.TCPConn).SetLinger(0)
}

// honest fails where a report is better than the truth: it must have the same

// grade, or none and say why.

func honest(t *testing.T, name string, truth, got *Report, err error) {
	t.Helper()
	switch {
	case err != nil: // no report
	case got.Incomplete != (len(got.Unknown) > 0) || got.Incomplete != (got.Next != ""):
		t.Errorf("%s: incomplete %v, unknown %v, next %q", name, got.Incomplete, got.Unknown, got.Next)
	case got.Grade.Letter == answerUnknown && got.GradeTrusted.Letter == answerUnknown && got.Incomplete:
		allow := Profile{Name: "anything"}
		if !hasFinding(got.Check(allow), "incomplete") {
			t.Errorf("%s: the profile is as planned: %v", name, got.Check(allow))
		}
	case got.Grade.Letter != truth.Grade.Letter || !slices.Equal(supported(got), supported(truth)):
		t.Errorf("%s: grade %s of %v, the truth is %s of %v; unknown %v", name,
			got.Grade.Letter, supported(got), truth.Grade.Letter, supported(truth), got.Unknown)
	}
}

func TestScanOfAServerThatAllowsSoManyConnections(t *testing.T) {
	handle, roots := oldAndNew(t)
	whole := listen(t, handle)
	whole.Roots = roots
	truth := scan(t, whole)
	if truth.Grade.Letter != "B" || truth.Incomplete {
		t.Fatalf("the truth is %+v, unknown %v", truth.Grade, truth.Unknown)
	}
	var all sync.WaitGroup
	slots := make(chan bool, 12)
	for name, then := range trouble {
		step := 5
		if name == "silence" {
			step = 1
		}
		for allowed := 1; allowed <= 40; allowed += step {
			slots <- true
			all.Go(func() {
				defer func() { <-slots }()
				var n atomic.Int64
				target := listen(t, func(conn net.Conn) {
					if n.Add(1) > int64(allowed) {
						then(conn)
						return
					}
					handle(conn)
				})
				target.Roots, target.Pace = roots, hasty
				r, err := Scan(t.Context(), target)
				honest(t, fmt.Sprintf("%s after %d", name, allowed), truth, r, err)
			})
		}
	}
	all.Wait()
}

// Every n-th connection is reset or gets no answer, the others are served.

func TestScanOfAServerThatDropsEveryNth(t *testing.T) {
	handle, roots := oldAndNew(t)
	whole := listen(t, handle)
	whole.Roots = roots
	truth := scan(t, whole)
	var all sync.WaitGroup
	slots := make(chan bool, 12)
	for name, then := range trouble {
		if name == "declines everything" {
			continue // nothing tells this from the server's own no
		}
		for _, n := range []int64{2, 3, 7} {
			slots <- true
			all.Go(func() {
				defer func() { <-slots }()
				var count atomic.Int64
				target := listen(t, func(conn net.Conn) {
					if count.Add(1)%n == 0 {
						then(conn)
						return
					}
					handle(conn)
				})
				target.Roots, target.Pace = roots, hasty
				r, err := Scan(t.Context(), target)
				honest(t, fmt.Sprintf("%s, each %d.", name, n), truth, r, err)
			})
		}
	}
	all.Wait()
}

// The port is closed after some connections.

func TestScanOfAServerThatStopsListening(t *testing.T) {
	handle, roots := oldAndNew(t)
	whole := listen(t, handle)
	whole.Roots = roots
	truth := scan(t, whole)
	for allowed := 1; allowed < 40; allowed += 6 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var n atomic.Int64
		target := listenOn(t, l, func(conn net.Conn) {
			if n.Add(1) >= int64(allowed) {
				l.Close()
			}
			handle(conn)
		})
		target.Roots, target.Pace = roots, hasty
		r, err := Scan(t.Context(), target)
		honest(t, fmt.Sprintf("refused after %d", allowed), truth, r, err)
	}
}

// Each answer takes longer than the one before.

func TestScanOfAServerThatGrowsSlower(t *testing.T) {
	handle, roots := oldAndNew(t)
	whole := listen(t, handle)
	whole.Roots = roots
	truth := scan(t, whole)
	var n atomic.Int64
	end := t.Context().Done()
	target := listen(t, func(conn net.Conn) {
		select {
		case <-time.After(time.Duration(n.Add(1)) * 4 * time.Millisecond):
			handle(conn)
		case <-end:
		}
	})
	target.Roots, target.Pace = roots, hasty
	r, err := Scan(t.Context(), target)
	honest(t, "slower and slower", truth, r, err)
}

// A server that closes the connection where others send an alert says no as

// well, as long as it answers the rest.

// muteAlerts drops the alerts that crypto/tls writes.

// One version alone is dropped without a word; the rest is served.

// A firewall that gives a connection back for each moment that passes is

// passed at a slow pace, and learns all.

// The scan as a whole ends, and says what there was no time for.

// Nothing that was not learnt is printed as a no.

// One address of the name takes connections and is silent, the other serves.

// FamilyError says that the server answered: to hang up is no answer.
