package templates

import (
	"strings"
	"testing"
)

// The policies are data; these are the values that must not drift unnoticed.
func TestProfileValues(t *testing.T) {
	seed, ok := Lookup("ecdsa2016")
	if !ok || !seed.Reconstructed || seed.Protocol != "all -SSLv3" || !seed.ServerOrder {
		t.Errorf("ecdsa2016 = %+v", seed)
	}
	want := "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA"
	if got := strings.Join(seed.Suites12, ":"); got != want {
		t.Errorf("ecdsa2016 suites = %s", got)
	}
	if p := Profiles()[0]; p.Name != "intermediate" || p.Protocol != "all -SSLv3 -TLSv1 -TLSv1.1" {
		t.Errorf("default profile = %+v", p)
	}
	if _, ok := Lookup("old"); ok {
		t.Error("there is no profile old")
	}
}

func TestRefusedValues(t *testing.T) {
	bad := []string{"", "a\nSSLEngine on", `a" b`, `a\`, "${HOME}", "\x00", "a\u2028b", "\xff"}
	for _, s := range bad {
		if got, err := Quote(s); err == nil {
			t.Errorf("Quote(%q) = %s", s, got)
		}
	}
	for _, path := range []string{"|/bin/sh", "relative", "/a/*", "/a/../b", "/a\nb"} {
		if _, err := (Global{TLSLog: path, LogFormat: "%t"}).Render(); err == nil {
			t.Errorf("log path %q was accepted", path)
		}
	}
	for _, name := range []string{"", "../x", "a/b", "a b", "-x", "a\n"} {
		if CheckName(name) == nil {
			t.Errorf("certificate name %q was accepted", name)
		}
	}
	for _, host := range []string{"a b", "a\"", "a#", "-a", "a..b", "a(:"} {
		if _, err := (Global{Redirect: []Redirect{{Site: host}}}).Render(); err == nil {
			t.Errorf("redirect for %q was accepted", host)
		}
	}
}

// Whatever the values are, a rendered include has the lines of its template
// and no others.
func FuzzNoValueBecomesADirective(f *testing.F) {
	f.Add("www.example.org", "/var/lib/x/fullchain.pem", "/var/lib/x/key.pem")
	f.Add("a\nInclude /etc/passwd", "/a\" b", "/x\\")
	f.Add("a", "/${HOME}", "/a\r\nSSLEngine off")
	f.Fuzz(func(t *testing.T, name, cert, key string) {
		text, err := Site{Name: name, CertFile: cert, KeyFile: key}.Render()
		if err != nil {
			return
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != 4 || !strings.HasPrefix(lines[2], `SSLCertificateFile "/`) || !strings.HasPrefix(lines[3], `SSLCertificateKeyFile "/`) {
			t.Fatalf("rendered %q", text)
		}
		for _, l := range lines[2:] {
			if strings.Count(l, `"`) != 2 || !strings.HasSuffix(l, `"`) || strings.Contains(l, "${") || strings.ContainsAny(l, "\\\r\x00") {
				t.Fatalf("line %q", l)
			}
		}
	})
}

// Whatever is typed for a virtual host or the global file, the directives are
// those of the template, in their order, each line closed.
func FuzzEveryRenderedLineIsOurs(f *testing.F) {
	f.Add("www.example.org", "*:443", "/var/www", "http://127.0.0.1:3000/", "/var/log/tls.log", "%t,%h")
	f.Add("a\nInclude x", "*:443>\n<Files x", "/w\" \"", "!", "|/bin/sh", "%t\" env=x")
	f.Add("a b", "_default_:443", "/${X}", "https://h/ nocanon", "/a\\", "\\")
	f.Fuzz(func(t *testing.T, name, address, root, proxy, log, format string) {
		host := []string{"<VirtualHost", "ServerName", "ServerAlias", "SSLEngine", "Include", "DocumentRoot", "<Directory", "Require", "</Directory>", "</VirtualHost>"}
		check(t, host, func() ([]byte, error) {
			return VHost{Address: address, ServerName: name, Aliases: []string{name}, Include: root, DocumentRoot: root}.Render()
		})
		behind := []string{"<VirtualHost", "ServerName", "SSLEngine", "Include", "ProxyPreserveHost", "SSLProxyEngine", "ProxyPass", "ProxyPassReverse", "RequestHeader", "</VirtualHost>"}
		check(t, behind, func() ([]byte, error) {
			return VHost{Address: address, ServerName: name, Include: root, Proxy: proxy}.Render()
		})
		global := []string{"<IfModule", "SSLProtocol", "SSLCipherSuite", "SSLCipherSuite", "SSLHonorCipherOrder", "SSLOpenSSLConfCmd", "SSLSessionTickets",
			"LogFormat", "GlobalLog", "<If", "Require", "Redirect", "</If>", "</IfModule>"}
		check(t, global, func() ([]byte, error) {
			p := Profiles()[0]
			p.Suites12, p.Groups = []string{name}, []string{name}
			return Global{Profile: &p, TLSLog: log, LogFormat: format, Redirect: []Redirect{{Site: name}}}.Render()
		})
	})
}

// check wants the directives in this order; those behind may be left out.
func check(t *testing.T, want []string, render func() ([]byte, error)) {
	t.Helper()
	text, err := render()
	if err != nil {
		return // refused
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		word, _, _ := strings.Cut(line, " ")
		for len(want) > 0 && want[0] != word {
			want = want[1:]
		}
		if len(want) == 0 {
			t.Fatalf("a directive of its own, %q, in:\n%s", line, text)
		}
		if quotes := strings.Count(strings.ReplaceAll(line, `\"`, ""), `"`); quotes%2 != 0 || strings.Contains(line, "${") || strings.HasSuffix(line, `\`) {
			t.Fatalf("open line %q", line)
		}
		want = want[1:]
	}
}

// An address is what <VirtualHost> takes, and its port exists. What is refused
// is said in words for the person who typed it, not for the one who wrote the
// template.
func TestAddressesAndWords(t *testing.T) {
	host := VHost{ServerName: "a.test", Include: "/i", DocumentRoot: "/d"}
	for _, good := range []string{"*:443", "_default_:1", "127.0.0.1:65535", "[::1]:8443", "[2001:DB8::1]:443"} {
		host.Address = good
		if _, err := host.Render(); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "*", "443", "*:0", "127.0.0.1:99999", "*:65536", "*:0443", "999.1.1.1:443", "::1:443", "[127.0.0.1]:443", "[*]:443", "[fe80::1%eth0]:443", "a.test:443", "*:443\nSSLEngine off"} {
		host.Address = bad
		if text, err := host.Render(); err == nil {
			t.Errorf("%q was accepted:\n%s", bad, text)
		}
	}
	host.Address = "*:443"
	for _, c := range []VHost{{Proxy: "http://a/${X}"}, {Proxy: `http://a/"`}, {Proxy: "!"}, {DocumentRoot: `/a"b`}, {DocumentRoot: "www"}} {
		c.Address, c.ServerName, c.Include = host.Address, host.ServerName, host.Include
		_, err := c.Render()
		if err == nil || strings.Contains(err.Error(), "templ") || strings.Contains(err.Error(), "executing") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestFormerNamesAreUnderstood(t *testing.T) {
	p, ok := Lookup("seed2016")
	if !ok || p.Name != "ecdsa2016" {
		t.Errorf("%q, %v", p.Name, ok)
	}
	if _, ok := Lookup(""); ok {
		t.Error("no name is a profile")
	}
}
