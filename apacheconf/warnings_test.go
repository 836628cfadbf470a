package apacheconf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/internal/filechange"
)

// What httpd accepts without a word is in the plan, with its place.
func TestSilentFaultsAreInThePlan(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	old := r.issue("expired", apachetest.Leaf{Names: []string{"a.test"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	other := r.issue("other", apachetest.Leaf{Names: []string{"b.test"}, KeyType: "rsa2048"})
	onlyLeaf(t, other.CertFile)
	host := "<VirtualHost " + r.a.Addr() + ">\nSSLEngine on\n"
	r.writeSites("LogFormat \"%h %{SSL_PROTOCOL}x\" mine\nCustomLog logs/mine.log mine\n" +
		host + "ServerName a.test\nSSLCertificateFile " + old.CertFile + "\nSSLCertificateKeyFile " + old.KeyFile +
		"\nSSLProtocol all -SSLv3\nSSLOpenSSLConfCmd Curves prime256v1\nHeader set Strict-Transport-Security max-age=1\nCustomLog logs/a.log common\n</VirtualHost>\n" +
		host + "ServerName c.test\nSSLCertificateFile " + other.CertFile + "\nSSLCertificateKeyFile " + other.KeyFile +
		"\nSSLInsecureRenegotiation on\nSSLUseStapling on\n</VirtualHost>\nSSLStaplingCache shmcb:stapling(32768)\n")
	_, p := r.plan(Change{Profile: "ecdsa2016", HSTS: "5m"})
	lines := map[string]int{}
	for _, f := range p.Warnings {
		lines[f.Code] = f.Line
	}
	want := map[string]int{"expired": 6, "override": 9, "double-hsts": 10, "other-name": 16, "no-intermediate": 16,
		"renegotiation": 18, "stapling": 19, "lost-log": 2, "old-protocols": 4}
	for code, line := range want {
		if got, ok := lines[code]; !ok || got != line && code != "old-protocols" {
			t.Errorf("%s: line %d (%v), want %d", code, got, ok, line)
		}
	}
	if t.Failed() {
		t.Logf("%+v", p.Warnings)
	}
}

// What the first virtual host says holds for all; a link that leads nowhere
// takes a site away; our HSTS loses to a host's own.
func TestWarningsAcrossHosts(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "SSLOpenSSLConfCmd Curves prime256v1\n")
	sites := strings.Replace(r.sites(), "ServerName b.test\n", "ServerName b.test\nSSLOpenSSLConfCmd Curves X25519\nHeader always set Strict-Transport-Security max-age=9\n", 1)
	r.writeSites(sites)
	link := filepath.Join(r.cfg.EtcDir, "vhost-gone.conf")
	must(os.Symlink("../nowhere.conf", link))
	_, p := r.plan(Change{Profile: "intermediate", HSTS: "5m"})
	want := map[string]string{"dangling": link, "groups": fmt.Sprintf("%s:%d", r.a.SitesFile, lineWith(sites, "Curves X25519")),
		"override": fmt.Sprintf("%s:%d", r.a.SitesFile, lineWith(sites, "max-age=9"))}
	for code, place := range want {
		if !slices.ContainsFunc(p.Warnings, func(f Finding) bool { return f.Code == code && f.Place() == place }) {
			t.Errorf("no %s at %s in %+v", code, place, p.Warnings)
		}
	}
	if slices.ContainsFunc(p.Warnings, func(f Finding) bool { return f.Code == "double-hsts" }) {
		t.Error("`Header always set` is not sent twice")
	}
}

func lineWith(text, part string) int {
	before, _, _ := strings.Cut(text, part)
	return strings.Count(before, "\n") + 1
}

// The directory of the TLS log is missing: httpd would not start, and the
// shadow, which writes no log, would not see it.
func TestNoDirectoryForTheLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.cfg.TLSLog = filepath.Join(r.dir, "missing", "tls.log")
	_, err := r.try(Change{LogOnly: true})
	if found := asRefused(t, err).Findings; found[0].Code != "log-directory" {
		t.Errorf("findings %+v", found)
	}
}

// onlyLeaf takes the intermediate out of a chain file.
func onlyLeaf(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := strings.Index(string(text), "-----END CERTIFICATE-----\n") + len("-----END CERTIFICATE-----\n")
	must(filechange.Put(path, &filechange.State{Data: text[:end], Mode: 0o644, UID: -1, GID: -1}))
}

// A plain layout whose main file does not read ours: file, line, and the text.
func TestNobodyReadsOurFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	conf, err := os.ReadFile(r.a.ConfigFile)
	must(err)
	without := strings.ReplaceAll(string(conf), "IncludeOptional", "#IncludeOptional")
	must(filechange.Put(r.a.ConfigFile, &filechange.State{Data: []byte(without), Mode: 0o644, UID: -1, GID: -1}))
	_, p := r.plan(Change{LogOnly: true})
	if len(p.Blocked) != 1 || p.Blocked[0].File != r.a.ConfigFile || p.Blocked[0].Line == 0 || p.Blocked[0].Fix != `IncludeOptional "`+r.cfg.EtcDir+`/tlskeeper.conf"` {
		t.Errorf("blocked %+v", p.Blocked)
	}
	_, err = r.try(Change{LogOnly: true})
	asRefused(t, err)
}

// The cost is an upper bound over what the profile removes, and nothing else.
func TestCost(t *testing.T) {
	t.Parallel()
	history := []CostLine{
		{Protocol: "TLSv1.3", Cipher: "TLS_AES_256_GCM_SHA384", Requests: 100, Clients: 10},
		{Protocol: "TLSv1.2", Cipher: "ECDHE-ECDSA-AES128-GCM-SHA256", Requests: 10, Clients: 3},
		{Protocol: "TLSv1.2", Cipher: "DHE-RSA-AES128-SHA", Requests: 5, Clients: 2, UserAgents: []string{"old"}},
		{Protocol: "TLSv1", Cipher: "ECDHE-ECDSA-AES128-SHA", Requests: 1, Clients: 1},
	}
	for profile, want := range map[string]int64{"intermediate": 6, "modern": 16, "ecdsa2016": 5} {
		c, err := CostOf(profile, history)
		if err != nil || c.Requests != want || c.Total != 116 {
			t.Errorf("%s: %+v, %v; want %d", profile, c, err, want)
		}
		if !strings.Contains(c.String(), "at most") {
			t.Errorf("%s: %s", profile, c)
		}
	}
	plain := []CostLine{{Protocol: "-", Cipher: "-", Requests: 50, Clients: 9}, {Requests: 7, Clients: 1}}
	if c, err := CostOf("modern", append(plain, history...)); err != nil || c.Requests != 16 || c.Total != 116 || len(c.Removed) != 3 {
		t.Errorf("with plain HTTP: %+v, %v", c, err)
	}
	if c, err := CostOf("modern", plain); err != nil || !c.NoHistory {
		t.Errorf("plain HTTP alone: %+v, %v", c, err)
	}
	if c, err := CostOf("intermediate", []CostLine{{Protocol: "TLSv1.2", Cipher: "-", Requests: 1}}); err != nil || c.Requests != 0 || c.Total != 1 {
		t.Errorf("without a cipher: %+v, %v", c, err)
	}
	if c, err := CostOf("modern", nil); err != nil || !c.NoHistory || !strings.Contains(c.String(), "no history") {
		t.Errorf("%+v, %v", c, err)
	}
}
