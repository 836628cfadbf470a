package accesslog

import "testing"

func TestClientsApply(t *testing.T) {
	for _, c := range []struct {
		mode     Clients
		in, want string
	}{
		{ClientsFull, "192.0.2.77", "192.0.2.77"},
		{ClientsTruncated, "192.0.2.77", "192.0.2.0"},
		{ClientsTruncated, "2001:db8:1:2:3::4", "2001:db8:1::"},
		{ClientsTruncated, "::ffff:192.0.2.77", "192.0.2.0"},
		{ClientsTruncated, "fe80::1%eth0", "fe80::"},
		{ClientsTruncated, "host.example", "-"},
		{ClientsNone, "192.0.2.77", "-"},
	} {
		if got := c.mode.Apply(c.in); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.mode, c.in, got, c.want)
		}
	}
}

func TestApplyLineKeepsTheRestOfTheLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`[18/Jul/2016:06:25:10 +0200],192.0.2.7,HTTP/1.1,v,p,c,"agent 10.1.2.3"`,
			`[18/Jul/2016:06:25:10 +0200],192.0.2.0,HTTP/1.1,v,p,c,"agent 10.1.2.3"`},
		// a line without its end is no line of ours, and still holds an address
		{`[18/Jul/2016:06:25:10 +0200],192.0.2.7,HTTP/1.1,v`,
			`[18/Jul/2016:06:25:10 +0200],192.0.2.0,HTTP/1.1,v`},
		{`x 2001:db8:1:2::3 y`, `x 2001:db8:1:: y`},
	} {
		if got := string(ClientsTruncated.ApplyLine([]byte(c.in))); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestWithinRefusesWhatWasDropped(t *testing.T) {
	if ClientsFull.Within(ClientsTruncated) || ClientsTruncated.Within(ClientsNone) {
		t.Error("a copy cannot hold more than the one it is made from")
	}
	if !ClientsNone.Within(ClientsFull) || !ClientsFull.Within("") {
		t.Error("a copy may hold less, or as much")
	}
}
