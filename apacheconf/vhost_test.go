package apacheconf

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/internal/filechange"
)

// A certificate and no virtual host: a complete one is written, served, and
// taken away again.
func TestNewVHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	pair := r.issue("c.test/gen/1", apachetest.Leaf{Names: []string{"c.test"}})
	before := r.snapshot()
	change := Change{Generations: map[string]string{"c.test": filepath.Dir(pair.CertFile)},
		VHost: &NewVHost{Name: "c.test", Address: r.a.Addr(), DocumentRoot: r.a.DocRoot}}
	s, p := r.plan(Change{Generations: change.Generations})
	if len(p.Missing) != 1 || p.Missing[0].Code != "no-vhost" || !strings.Contains(p.Missing[0].Fix, "apache vhost c.test") {
		t.Errorf("missing %+v", p.Missing)
	}
	_, p = r.plan(change)
	if len(p.Blocked) != 1 || p.Blocked[0].Code != "first-host" {
		t.Fatalf("our Include is before the sites; blocked %+v", p.Blocked)
	}
	conf, err := os.ReadFile(r.a.ConfigFile)
	must(err)
	line := `IncludeOptional "` + filepath.Join(r.cfg.EtcDir, "vhost-*.conf") + "\"\n"
	moved := strings.Replace(string(conf), line, "", 1) + line
	must(filechange.Put(r.a.ConfigFile, &filechange.State{Data: []byte(moved), Mode: 0o644, UID: -1, GID: -1}))
	before[r.a.ConfigFile] = r.snapshot()[r.a.ConfigFile]
	if res := r.apply(change); len(res.Missing) > 0 {
		t.Errorf("missing %+v", res.Missing)
	}
	r.serves("c.test", pair.Leaf)
	r.serves("a.test", r.oldA.Leaf)
	if _, err := Rollback(t.Context(), s.Config, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(before)
}

// Redirects keep the path, leave the ACME path alone, and name
// only the sites that were asked for. HSTS is sent on TLS only.
func TestRedirectAndHSTS(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.writeSites(r.sites() + "<Location /private>\nRequire all denied\n</Location>\n")
	r.apply(Change{Profile: "intermediate", HSTS: "5m", Redirect: []string{"a.test"}})
	get := func(host, path string) *http.Response { t.Helper(); return r.plainHTTP(host, path) }
	resp := get("a.test", "/x/y?z=1")
	if resp.StatusCode != http.StatusTemporaryRedirect || resp.Header.Get("Location") != "https://a.test/x/y?z=1" {
		t.Errorf("a.test: %d %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp.Header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS on plain HTTP")
	}
	if resp := get("a.test", "/private"); resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a.test/private: %d: a password would be asked for in clear", resp.StatusCode)
	}
	if resp := get("a.test", "/.well-known/acme-challenge/t"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("ACME path: %d", resp.StatusCode)
	}
	if resp := get("www.a.test", "/"); resp.StatusCode != http.StatusOK {
		t.Errorf("www.a.test: %d", resp.StatusCode)
	}
	if got := hstsOf(t, r); got != "max-age=300" {
		t.Errorf("HSTS %q", got)
	}
}
