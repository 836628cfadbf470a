package apacheconf

import (
	"os"
	"strings"
	"testing"
)

// Faults beside the TLS of the virtual hosts that kill Apache at its next
// reload as well: as a client of others, and programs that it starts. Text is
// what the sites file gets; line is the one to be named.
func TestBrokenElsewhere(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	conf := loadModule("proxy") + loadModule("rewrite") + read(r.a.ConfigFile)
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	closed := r.write("closed.sh", "#!/bin/sh\ncat\n")
	short := r.write("short", "short")
	r.start()
	for name, c := range map[string]struct{ text, line string }{
		"ciphers of a backend":               {"<Proxy \"https://127.0.0.1:9/\">\nSSLProxyEngine on\nSSLProxyCipherSuite NOSUCH\n</Proxy>\n", "SSLProxyCipherSuite"},
		"protocols of backends by a pattern": {"<ProxyMatch \"^https://127\">\nSSLProxyEngine on\nSSLProxyProtocol -all\n</ProxyMatch>\n", "SSLProxyProtocol"},
		"a backend in a host":                {"<VirtualHost 127.0.0.1:1>\nServerName p.test\nSSLCipherSuite HIGH\n<Proxy \"*\">\nSSLProxyEngine on\nSSLProxyCipherSuite NOSUCH\n</Proxy>\n</VirtualHost>\n", "SSLProxyCipherSuite"},
		"ciphers for all backends":           {"SSLCipherSuite HIGH\nSSLProxyEngine on\nSSLProxyCipherSuite NOSUCH\n", "SSLProxyCipherSuite"},
		"inherited ciphers":                  {"SSLProxyCipherSuite NOSUCH\n<Proxy \"*\">\nSSLProxyEngine on\n</Proxy>\n", "SSLProxyCipherSuite"},
		"CA of backends":                     {"SSLProxyEngine on\nSSLProxyCACertificateFile " + short + "\n", "SSLProxyCACertificateFile"},
		"revocation of backends":             {"SSLProxyEngine on\nSSLProxyCARevocationCheck chain\n", "SSLProxyCARevocationCheck"},
		"revocation of clients":              {"<VirtualHost 127.0.0.1:1>\nSSLEngine on\nSSLCertificateFile " + r.oldA.CertFile + "\nSSLCertificateKeyFile " + r.oldA.KeyFile + "\nSSLCARevocationCheck chain\n</VirtualHost>\n", "SSLCARevocationCheck"},
		"list of revocations":                {"<VirtualHost 127.0.0.1:1>\nSSLEngine on\nSSLCertificateFile " + r.oldA.CertFile + "\nSSLCertificateKeyFile " + r.oldA.KeyFile + "\nSSLCARevocationCheck chain\nSSLCARevocationFile " + short + "\n</VirtualHost>\n", "SSLCARevocationFile"},
		"log to a missing program":           {"CustomLog \"|/nonexistent/prog -a\" common\n", "CustomLog"},
		"log by a missing program of a host": {"<VirtualHost 127.0.0.1:1>\nServerName p.test\nTransferLog \"||/nonexistent/prog\"\n</VirtualHost>\n", "TransferLog"},
		"log by the shell":                   {"GlobalLog \"|$/nonexistent/prog -a | cat\" common\n", "GlobalLog"},
		"log to a program without a path":    {"CustomLog \"|cat\" common\n", "CustomLog"},
		"log to a program that is closed":    {"CustomLog \"|" + closed + "\" common\n", "CustomLog"},
		"error log to a missing program":     {"ErrorLog \"|/nonexistent/prog\"\n", "ErrorLog"},
		"map of a closed program":            {"RewriteEngine on\nRewriteMap m prg:" + closed + "\n", "RewriteMap"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.brokenElsewhere(c.text, c.line)
		})
	}
	r.t = t
}

func (r *rig) brokenElsewhere(text, line string) {
	t, good := r.t, r.sites()
	defer r.writeSites(good)
	r.writeSites(good + text)
	named := func(what string, findings []Finding) {
		t.Helper()
		for _, f := range findings {
			if f.File == r.a.SitesFile && strings.HasPrefix(lineOf(r.sites(), f.Line), line) {
				return
			}
		}
		t.Errorf("%s names %+v", what, findings)
	}
	named("status", r.status().Drift)
	before, pid := r.snapshot(), r.a.PID()
	_, err := r.try(Change{LogOnly: true})
	named("apply", asRefused(t, err).Findings)
	r.unchanged(before)
	if r.a.PID() != pid {
		t.Error("another Apache runs now")
	}
}

// What looks alike and does no harm is no reason to refuse.
func TestHarmlessPrograms(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	closed := r.write("closed.sh", "#!/bin/sh\n")
	conf := loadModule("rewrite") + read(r.a.ConfigFile) + `CustomLog "|/bin/cat -u" common
CustomLog "|$cat >/dev/null" common
CustomLog logs/own.log common
ErrorLog "||/bin/cat -u"
RewriteMap m prg:` + closed + "\n"
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	r.start()
	r.apply(Change{LogOnly: true})
}
