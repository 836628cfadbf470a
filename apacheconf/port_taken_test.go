package apacheconf

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"tlskeeper/apacheconf/check"
)

// A new Listen whose port another process holds: httpd -t is content, and the
// reload would kill the server. Of a port that Apache itself holds nothing is
// said, by whatever address.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if found := check.Present(r.discover().Server); len(found) > 0 {
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
