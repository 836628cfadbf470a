package apacheconf

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/httpd"
)

// Hosts that only httpd itself can find: macros, defines, versions, loops of
// links, strange bytes. Each has the place where a person would look.
func TestDiscoverWhatOnlyHTTPDCanRead(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	conf := strings.Replace(read(r.a.ConfigFile), "ServerTokens", loadModule("macro")+loadModule("version")+"ServerTokens", 1)
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	cert := "SSLEngine on\nSSLCertificateFile " + r.oldA.CertFile + "\nSSLCertificateKeyFile " + r.oldA.KeyFile + "\n"
	addr := r.a.Addr()
	r.writeSites("Define zone m.test\n" +
		"<Macro Site $name>\n<VirtualHost " + addr + ">\nServerName $name.${zone}\n" + cert + "</VirtualHost>\n</Macro>\n" +
		"Use Site one\nUse Site two\nUndefMacro Site\n" +
		"<IfVersion >= 2.4>\n<VirtualHost " + addr + ">\r\nServerName version.test\r\n" + strings.ReplaceAll(cert, "\n", "\r\n") + "</VirtualHost>\n</IfVersion>\n" +
		"<IfVersion < 2.4>\n<VirtualHost " + addr + ">\nServerName never.test\n</VirtualHost>\n</IfVersion>\n" +
		"<IfDefine Nothing>\n<VirtualHost " + addr + ">\nServerName undefined.test\n</VirtualHost>\n</IfDefine>\n" +
		"# caf\xe9\n<VirtualHost " + addr + ">\nServerName latin.test\nServerAlias caf\xe9.test\n" + cert + "</VirtualHost>\n" +
		"<VirtualHost " + addr + ">\nServerName \\\n  continued.test\n" + cert + "</VirtualHost>")
	must(os.Symlink("loop.conf", filepath.Join(r.cfg.EtcDir, "vhost-loop.conf")))
	must(os.Symlink("vhost-loop.conf", filepath.Join(r.cfg.EtcDir, "loop.conf")))
	must(os.Symlink(r.a.SitesFile+".none", filepath.Join(r.cfg.EtcDir, "vhost-dangling.conf")))
	r.start()
	s := r.discover()
	var names []string
	for _, v := range s.VHosts {
		names = append(names, v.Names[0])
		if v.File != r.a.SitesFile || !strings.Contains(lineOf(r.sites(), v.Line), "<VirtualHost") || !v.TLS || len(v.Certificates) != 1 {
			t.Errorf("%s at %s:%d: %+v", v.Names[0], v.File, v.Line, v)
		}
	}
	if got := strings.Join(names, " "); got != "one.m.test two.m.test version.test latin.test continued.test" {
		t.Errorf("hosts %s", got)
	}
	r.apply(Change{Profile: "intermediate"})
	r.serves("one.m.test", r.oldA.Leaf)
}

// loadModule is "" for what is built in, as mod_version is on Debian.
func loadModule(name string) string {
	for _, dir := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"} {
		if path := filepath.Join(dir, "mod_"+name+".so"); httpd.Exists(path) {
			return "LoadModule " + name + "_module " + path + "\n"
		}
	}
	return ""
}

// Hundreds of hosts: discovered, proved on the shadow and asked on the wire.
func TestHundredsOfHosts(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	var b strings.Builder
	b.WriteString(r.sites())
	for i := range 300 {
		fmt.Fprintf(&b, "<VirtualHost %s>\nServerName h%d.test\nSSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n</VirtualHost>\n", r.a.Addr(), i, r.oldB.CertFile, r.oldB.KeyFile)
	}
	r.writeSites(b.String())
	r.start()
	s, p := r.plan(Change{Profile: "intermediate"})
	if len(s.VHosts) != 303 {
		t.Errorf("hosts: %d", len(s.VHosts))
	}
	res, err := s.Apply(t.Context(), p)
	if err != nil || res.Proved < 600 {
		t.Fatalf("%+v, %v", res, err)
	}
}

// The dump holds every password of the configuration. None of them comes out:
// not as JSON, not in a diff, a message, or the log.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	const secret = "hunter2secret"
	r := makeRig(t, "SSLSRPUnknownUserSeed "+secret+"\nSetEnv DB_PASSWORD "+secret+"\nHeader set X-Token "+secret+"\n")
	conf := strings.Replace(read(r.a.ConfigFile), "ServerTokens", loadModule("proxy")+loadModule("proxy_http")+loadModule("env")+"Define password "+secret+"\nServerTokens", 1)
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	r.writeSites(strings.Replace(r.sites(), "ServerName b.test\n", "ServerName b.test\nProxyPass /p http://user:"+secret+"@127.0.0.1:1/\nRequestHeader set Authorization \"Basic "+secret+"\"\n"+
		"SSLProxyMachineCertificateFile "+r.write(secret+".pem", read(r.oldB.CertFile)+read(r.oldB.KeyFile))+"\n", 1))
	r.writeSites(strings.ReplaceAll(r.sites(), "SSLSRPUnknownUserSeed "+secret+"\n", ""))
	r.start()
	var log bytes.Buffer
	r.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir, _ := r.generation()
	change := Change{Profile: "intermediate", HSTS: "5m", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	s, p := r.plan(change)
	res, err := s.Apply(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	report := r.status()
	r.writeSites(r.sites() + "SSLCipherSuite NOSUCH\nSetEnv DB_PASSWORD " + secret + "\n")
	_, broken := r.try(Change{Profile: "modern"})
	asRefused(t, broken)
	for what, v := range map[string]any{"server": s, "plan": p, "result": res, "status": report, "diff": p.Diff(), "log": log.String(), "error": broken.Error()} {
		text, err := json.Marshal(v)
		must(err)
		if strings.Contains(string(text), secret) {
			t.Errorf("the %s holds the secret: %.300s", what, text)
		}
	}
	r.onlyRootMayRead(secret)
}

// onlyRootMayRead: our journals keep whole files of the admin, for the undoing.
func (r *rig) onlyRootMayRead(secret string) {
	r.t.Helper()
	err := filepath.Walk(r.cfg.StateDir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			r.t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	must(err)
}

// A dump that never ends is given up.
func TestEndlessReading(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	script := r.write("apache2", "#!/bin/sh\ncase \"$*\" in *-v*) exec "+r.a.Binary+" -v;; esac\nwhile :; do :; done\n")
	must(os.Chmod(script, 0o755))
	r.cfg.Binary = script
	ctx, stop := contextWithTimeout(t)
	defer stop()
	if _, err := Discover(ctx, r.cfg); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("error = %v", err)
	}
}
