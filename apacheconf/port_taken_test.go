package apacheconf

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// A new Listen whose port another process holds: httpd -t is content, and the
// reload would kill the server. Of a port that Apache itself holds nothing is
// said, by whatever address.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if found := r.discover().listenFaults(); len(found) > 0 {
		t.Errorf("without a fault: %+v", found)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer taken.Close()
	r.writeSites(r.sites() + "Listen " + taken.Addr().String() + "\n")
	before := r.snapshot()
	_, err = r.try(Change{LogOnly: true})
	found := asRefused(t, err).Findings
	if len(found) != 1 || found[0].File != r.a.SitesFile || !strings.Contains(lineOf(r.sites(), found[0].Line), "Listen") {
		t.Fatalf("findings %+v", found)
	}
	if want := fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(found[0].What, want) {
		t.Errorf("%s does not name %s", found[0].What, want)
	}
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
}

// Apache's own port by another address cannot be had by a reload either.
func TestListenNarrowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wide := fmt.Sprintf("Listen 127.0.0.1:%d\n", r.a.HTTPPort)
	conf := read(r.a.ConfigFile)
	must(os.WriteFile(r.a.ConfigFile, []byte(strings.Replace(conf, wide, fmt.Sprintf("Listen %d\n", r.a.HTTPPort), 1)), 0o644))
	_, err := r.try(Change{LogOnly: true})
	if found := asRefused(t, err).Findings; len(found) != 1 || !strings.Contains(found[0].What, "by another address") {
		t.Errorf("findings %+v", found)
	}
}

func TestListenAddr(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{"443": "[::]:443", "*:443": "[::]:443", "0.0.0.0:80": "0.0.0.0:80", "[::1]:8443": "[::1]:8443", "127.0.0.1:1": "127.0.0.1:1"} {
		ip, port, ok := listenAddr(arg)
		if got := net.JoinHostPort(ip.String(), fmt.Sprint(port)); !ok || got != want {
			t.Errorf("%s: %s %v, want %s", arg, got, ok, want)
		}
	}
	if _, _, ok := listenAddr("www.example.org:80"); ok {
		t.Error("a name is resolved by httpd, not by us")
	}
	if got := kernelAddr("0100007F:1F90"); got != "127.0.0.1:8080" {
		t.Error(got)
	}
	if got := kernelAddr("00000000000000000000000001000000:01BB"); got != "[::1]:443" {
		t.Error(got)
	}
}
