package apacheconf

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/child"
	"tlskeeper/internal/testenv"
)

// debianRig is a copy of this host's /etc/apache2 with directories and ports
// of its own.
func debianRig(t *testing.T, modules ...string) (*rig, string) {
	t.Helper()
	testenv.Need(t, "apache2")
	if !httpd.Exists("/etc/apache2/mods-available/ssl.load") {
		t.Skip("no Debian layout on this host")
	}
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := apachetest.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, ca: ca, dir: t.TempDir()}
	root := filepath.Join(r.dir, "apache2")
	must(os.Chmod(r.dir, 0o755))
	_, err = child.Run(t.Context(), child.Cmd{Argv: []string{"cp", "-a", "/etc/apache2", root}, Timeout: time.Minute})
	must(err)
	for _, d := range []string{"run", "lock", "log"} {
		must(os.Mkdir(filepath.Join(r.dir, d), 0o755))
	}
	r.oldA = r.issue("old-a", apachetest.Leaf{Names: []string{"a.test", "www.a.test"}})
	write := func(name, text string) { must(os.WriteFile(filepath.Join(root, name), []byte(text), 0o644)) }
	write("envvars", strings.ReplaceAll("export APACHE_RUN_USER=www-data APACHE_RUN_GROUP=www-data APACHE_PID_FILE=%/run/apache2.pid\n"+
		"export APACHE_RUN_DIR=%/run APACHE_LOCK_DIR=%/lock APACHE_LOG_DIR=%/log\n", "%", r.dir))
	write("ports.conf", fmt.Sprintf("Listen 127.0.0.1:%d\n<IfModule ssl_module>\n\tListen 127.0.0.1:%d\n</IfModule>\n", ports[0], ports[1]))
	write("sites-available/a.conf", fmt.Sprintf("<IfModule ssl_module>\n<VirtualHost *:%d>\n\tServerName a.test\n\tSSLEngine on\n\tSSLCertificateFile %s\n\tSSLCertificateKeyFile %s\n</VirtualHost>\n</IfModule>\n",
		ports[1], r.oldA.CertFile, r.oldA.KeyFile))
	must(os.Remove(filepath.Join(root, "sites-enabled", "000-default.conf")))
	must(os.Symlink("../sites-available/a.conf", filepath.Join(root, "sites-enabled", "a.conf")))
	for _, m := range modules {
		for _, ext := range []string{".load", ".conf"} {
			if httpd.Exists(filepath.Join(root, "mods-available", m+ext)) {
				must(os.Symlink("../mods-available/"+m+ext, filepath.Join(root, "mods-enabled", m+ext)))
			}
		}
	}
	r.cfg = Config{ServerRoot: root, EtcDir: filepath.Join(r.dir, "etc"), StateDir: filepath.Join(r.dir, "state"), TLSLog: filepath.Join(r.dir, "log", "tls.log")}
	r.startDebian(ports[1])
	return r, root
}

func (r *rig) startDebian(port int) {
	r.t.Helper()
	s := r.discover()
	r.t.Cleanup(func() {
		if p, ok := s.Parent(); ok {
			syscall.Kill(p.PID, syscall.SIGTERM)
			httpd.Poll(background(), httpd.HoldTimeout, func() (bool, error) { return s.Running() != nil, nil })
		}
	})
	if err := s.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.a = &apachetest.Apache{TLSPort: port, ConfigFile: s.ConfigFile, SitesFile: filepath.Join(s.ServerRoot, "sites-available", "a.conf")}
}

// Debian: a file in conf-available, a relative link in conf-enabled, the
// admin's site edited behind its link, and all of it undone.
func TestDebianLayout(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t, "socache_shmcb", "ssl")
	dir, leaf := r.generation()
	site := r.sites()
	s, p := r.plan(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if s.Layout != httpd.Debian {
		t.Fatalf("layout %s", s.Layout)
	}
	if _, err := s.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", leaf)
	if target, err := os.Readlink(filepath.Join(root, "conf-enabled", ourGlobal)); err != nil || target != "../conf-available/"+ourGlobal {
		t.Errorf("link %q, %v", target, err)
	}
	if target, err := os.Readlink(filepath.Join(root, "sites-enabled", "a.conf")); err != nil || target != "../sites-available/a.conf" {
		t.Errorf("the admin's link: %q, %v", target, err)
	}
	if got := r.discover().VHosts[0].Settings.Protocol; got.Value != "all -SSLv3 -TLSv1 -TLSv1.1" {
		t.Errorf("in force: %+v", got)
	}
	if res := r.apply(p.Change); res.Changed {
		t.Error("a second apply changed something")
	}
	must(os.Remove(filepath.Join(root, "conf-enabled", ourGlobal)))
	if drift := r.status().Drift; !slices.ContainsFunc(drift, func(f Finding) bool { return f.Code == "link" }) {
		t.Errorf("a deleted link: drift %+v", drift)
	}
	if res := r.apply(p.Change); !res.Changed || len(r.status().Drift) > 0 {
		t.Errorf("the link did not come back: %+v", res)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if r.sites() != site || httpd.Exists(filepath.Join(root, "conf-enabled", ourGlobal)) || httpd.Exists(filepath.Join(root, "conf-available", ourGlobal)) {
		t.Error("the rollback left something")
	}
	r.serves("a.test", r.oldA.Leaf)
}

// A Debian host without mod_ssl: the plan enables it as a2enmod would.
func TestDebianEnablesModules(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t)
	r.apply(Change{Profile: "intermediate", HSTS: "5m"})
	for _, m := range []string{"ssl", "socache_shmcb", "headers"} {
		if target, err := os.Readlink(filepath.Join(root, "mods-enabled", m+".load")); err != nil || target != "../mods-available/"+m+".load" {
			t.Errorf("%s: %q, %v", m, target, err)
		}
	}
	r.serves("a.test", r.oldA.Leaf)
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.a.TLSPort))); err == nil {
		conn.Close()
	}
}

// A program behind Apache gets a complete host: its modules, its site and its
// link, the certificate on the wire, the answer of the program, and the way back.
func TestDebianReverseProxy(t *testing.T) {
	t.Parallel()
	r, root := debianRig(t, "socache_shmcb", "ssl")
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprintf(w, "%s by %s", q.Host, q.Header.Get("X-Forwarded-Proto"))
	}))
	defer behind.Close()
	pair := r.issue("app.test/gen/1", apachetest.Leaf{Names: []string{"app.test"}})
	r.apply(Change{Generations: map[string]string{"app.test": filepath.Dir(pair.CertFile)},
		VHost: &NewVHost{Name: "app.test", Address: "*:" + strconv.Itoa(r.a.TLSPort), Proxy: behind.URL + "/"}})
	r.serves("app.test", pair.Leaf)
	r.serves("a.test", r.oldA.Leaf)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{ServerName: "app.test", RootCAs: r.ca.Roots()}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.a.Addr()+"/x", nil)
	must(err)
	req.Host = "app.test"
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "app.test by https" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "sites-*", "tlskeeper*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	r.serves("app.test", r.oldA.Leaf)
}
