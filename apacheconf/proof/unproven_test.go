package proof

import (
	"net"
	"strings"
	"testing"
)

// nobody is an address where connections are refused.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// speaks is the address of a server that answers everything with the same
// bytes, or hangs up where there are none.
func speaks(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			c.Write([]byte(answer))
			c.Close()
		}
	}()
	return l.Addr().String()
}

// Two servers that are both not heard do not show the same.
func TestNoAnswerTwiceIsNoProof(t *testing.T) {
	for name, c := range map[string]struct {
		shadow, live string
		proved       bool
	}{
		"refused by both":       {nobody(t), nobody(t), false},
		"refused by the shadow": {nobody(t), speaks(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), false},
		"refused by the live":   {speaks(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), nobody(t), false},
		"plain HTTP from both":  {speaks(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), speaks(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), true},
		"both hang up":          {speaks(t, ""), speaks(t, ""), true}, // as with RemoteIPProxyProtocol
		"half an answer":        {speaks(t, "\x16\x03\x03\x00\x50\x02"), speaks(t, "\x16\x03\x03\x00\x50\x02"), false},
		"one hangs up":          {speaks(t, ""), speaks(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), false},
	} {
		one := target{shadow: c.shadow, live: c.live, sni: "a.test", family: "ecdsa", vhost: "a.test"}
		e := expect(t.Context(), []target{one})
		if got := len(e.Differences(t.Context())) == 0; got != c.proved {
			t.Errorf("%s: proved %v, want %v (the shadow: %s)", name, got, c.proved, e.want)
		}
		e = Expectation{policies: []target{one}}
		e.wantPolicy = policies(t.Context(), e.policies, onShadow)
		if got := len(e.PolicyDifferences(t.Context())) == 0; got != c.proved {
			t.Errorf("%s: policy proved %v, want %v (the shadow: %s)", name, got, c.proved, e.wantPolicy)
		}
	}
}

// What the shadow does not answer is not a plan that can be held.
func TestAShadowThatIsNotHeardProvesNothing(t *testing.T) {
	one := target{shadow: nobody(t), live: nobody(t), sni: "a.test", family: "rsa", vhost: "a.test"}
	e := expect(t.Context(), []target{one})
	e.policies, e.wantPolicy = []target{one}, []string{unknownPolicy}
	faults := e.Unproven()
	if len(faults) != 2 || faults[0].Code != CodeUnproven || !strings.Contains(faults[0].What, "a.test") {
		t.Errorf("%v", faults)
	}
}

// What was not heard before a change is not waited for after an undo.
func TestWhatWasNotHeardBeforeIsNotAwaitedAfterwards(t *testing.T) {
	one := target{shadow: nobody(t), live: nobody(t), sni: "a.test", family: "rsa", vhost: "a.test"}
	e := Expectation{targets: []target{one}, want: ask(t.Context(), []target{one}, onLive)}
	e.release()
	if diffs := e.Differences(t.Context()); len(diffs) > 0 {
		t.Errorf("%v", diffs)
	}
}
