package probe

import (
	"net"
	"strings"
	"testing"
)

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
