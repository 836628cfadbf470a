package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
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
func TestScanOfAServerThatClosesInsteadOfAlerts(t *testing.T) {
	for name, end := range map[string]func(net.Conn){"closed": func(net.Conn) {}, "reset": func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }} {
		cert := testCert(t, "ecdsa", "example.test")
		config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		target := listen(t, func(conn net.Conn) {
			speaksTLS(config, http.NotFoundHandler())(muteAlerts{conn})
			end(conn)
		})
		target.Roots = x509.NewCertPool()
		target.Roots.AddCert(cert.Leaf)
		r := scan(t, target)
		if r.Incomplete || r.Grade.Letter != "A" || !slices.Equal(supported(r), []string{"TLSv1.2", "TLSv1.3"}) {
			t.Errorf("%s: grade %+v of %v, unknown %v", name, r.Grade, supported(r), r.Unknown)
		}
	}
}

// muteAlerts drops the alerts that crypto/tls writes.
type muteAlerts struct{ net.Conn }

func (m muteAlerts) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == recordAlert {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// One version alone is dropped without a word; the rest is served.
func TestScanOfAServerThatIsSilentAboutOneVersion(t *testing.T) {
	handle, roots := oldAndNew(t)
	target := listen(t, func(conn net.Conn) {
		head := make([]byte, 11) // up to the version in the ClientHello
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		if head[10] == 1 { // TLS 1.0
			silent(conn)
			return
		}
		handle(rewound{conn, io.MultiReader(strings.NewReader(string(head)), conn)})
	})
	target.Roots, target.Pace = roots, Pace{Timeout: 300 * time.Millisecond, Pause: time.Millisecond, Limit: 20 * time.Second}
	r := scan(t, target)
	if r.Grade.Letter != answerUnknown || len(r.Unknown) != 1 || r.Unknown[0].ID != openVersion || r.Unknown[0].What != "TLSv1" {
		t.Errorf("grade %s, unknown %+v", r.Grade.Letter, r.Unknown)
	}
	if v := r.Versions[1]; v.Answer != answerUnknown || v.Supported {
		t.Errorf("TLSv1 is %+v", v)
	}
	if got := supported(r); !slices.Equal(got, []string{"TLSv1.1", "TLSv1.2", "TLSv1.3"}) {
		t.Errorf("versions %v", got)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"grade        none", "refused      SSLv3\n", "unknown      TLSv1\n", "whether TLSv1 is supported", "--slow"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

type rewound struct {
	net.Conn
	r io.Reader
}

func (r rewound) Read(p []byte) (int, error) { return r.r.Read(p) }

// A firewall that gives a connection back for each moment that passes is
// passed at a slow pace, and learns all.
func TestSlowScanPassesALimiter(t *testing.T) {
	handle, roots := oldAndNew(t)
	var mu sync.Mutex
	tokens, last := 3.0, time.Now()
	target := listen(t, func(conn net.Conn) {
		mu.Lock()
		tokens = min(3, tokens+float64(time.Since(last))/float64(2*time.Millisecond))
		last = time.Now()
		ok := tokens >= 1
		if ok {
			tokens--
		}
		mu.Unlock()
		if !ok {
			silent(conn)
			return
		}
		handle(conn)
	})
	target.Roots = roots
	target.Pace = Pace{Timeout: DefaultTimeout, Pause: 4 * time.Millisecond, Limit: time.Minute, Slow: true}
	r := scan(t, target)
	if r.Grade.Letter != "B" || r.Incomplete {
		t.Errorf("grade %+v, unknown %v", r.Grade, r.Unknown)
	}
	if strings.Contains(advice(target), "--slow") {
		t.Errorf("a slow scan is told to be slow: %s", advice(target))
	}
}

// The scan as a whole ends, and says what there was no time for.
func TestScanHasALimit(t *testing.T) {
	handle, roots := oldAndNew(t)
	var n atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if n.Add(1) > 30 && n.Load()%3 != 0 {
			silent(conn)
			return
		}
		handle(conn)
	})
	target.Roots = roots
	target.Pace = Pace{Timeout: time.Minute, Limit: 200 * time.Millisecond}
	r, err := Scan(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if r.Grade.Letter != answerUnknown || !r.Incomplete {
		t.Errorf("grade %+v", r.Grade)
	}
}

// Nothing that was not learnt is printed as a no.
func TestTextOfAScanThatLearntNothing(t *testing.T) {
	handle, _ := oldAndNew(t)
	var n atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if n.Add(1) > 1 {
			silent(conn)
			return
		}
		handle(conn)
	})
	target.Pace = hasty
	var text strings.Builder
	if err := scan(t, target).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	seen, _, _ := strings.Cut(text.String(), "not known") // what follows says why
	for _, no := range []string{" no\n", " no,", "none\n", "no answer", " -", "refused"} {
		if strings.Contains(seen, no) {
			t.Errorf("%q in\n%s", no, text.String())
		}
	}
}

// One address of the name takes connections and is silent, the other serves.
func TestScanOfANameWithASilentAddress(t *testing.T) {
	handle, roots := oldAndNew(t)
	good := listen(t, handle)
	_, port, err := net.SplitHostPort(good.Addr)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skipf("no second loopback address: %v", err)
	}
	bad := listenOn(t, l, silent)
	target := good
	target.Roots, target.Pace = roots, hasty.filled()
	for _, c := range []struct {
		all  []string
		note string
	}{
		{[]string{bad.Addr, good.Addr}, "127.0.0.2 is of the same name and was not scanned: "},
		{[]string{good.Addr, bad.Addr}, "127.0.0.2 is of the same name and was not scanned"},
	} {
		s := newScanner(target)
		if err := s.settle(t.Context(), c.all); err != nil || s.t.Addr != good.Addr {
			t.Errorf("%v: settled on %s, %v", c.all, s.t.Addr, err)
		}
		if notes := s.summary(); len(notes) != 1 || !strings.HasPrefix(notes[0], c.note) {
			t.Errorf("%v: notes %q", c.all, notes)
		}
	}
}

// FamilyError says that the server answered: to hang up is no answer.
func TestLeafOfAServerThatHangsUpAtFirst(t *testing.T) {
	var n atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if n.Add(1) == 1 {
			readRecord(conn)
			return
		}
		answers([]byte{21, 3, 3, 0, 2, 2, 40})(conn)
	})
	_, _, err := Leaf(t.Context(), target, "ecdsa")
	var none *FamilyError
	if err == nil || errors.As(err, &none) {
		t.Errorf("error %v", err)
	}
}
