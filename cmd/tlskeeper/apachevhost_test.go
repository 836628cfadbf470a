package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// addCertificate puts a certificate into the store of a shell.
func (s *apacheShell) addCertificate(name string, leaf apachetest.Leaf) {
	s.t.Helper()
	ca, err := apachetest.NewCA()
	if err != nil {
		s.t.Fatal(err)
	}
	gen := filepath.Join(s.root, "var/lib/tlskeeper/acme/certs", name, "gen/000001")
	if _, err := ca.Issue(gen, leaf); err != nil {
		s.t.Fatal(err)
	}
	writeFiles(s.t, map[string]string{filepath.Join(gen, "meta.json"): "{}"})
}

// What cannot be written is a mistake on the line, in words that are about the
// line.
func TestVHostMistakes(t *testing.T) {
	s := newApacheShell(t)
	for words, want := range map[string]string{
		"--address 127.0.0.1:99999":                   "a port from 1 to 65535",
		"--address a.test:443":                        "want *:PORT",
		"--proxy http://127.0.0.1:3000/${X}":          "do not fit into an Apache directive",
		"--proxy ftp://127.0.0.1/":                    "want http://HOST:PORT/",
		"--document-root www":                         "document root",
		"--document-root /srv --proxy http://a.test/": "--document-root or --proxy",
		"--name b.test":                               "is not valid for the name",
		"--name *.test":                               "is not valid for the name",
	} {
		code, out, errs := runScan(t, append([]string{"--root", s.root, "apache", "vhost", "a.test", "--yes"}, strings.Fields(words)...)...)
		if code != exitUsage || !strings.Contains(errs, want) || strings.Contains(errs, "templ") {
			t.Errorf("%s: exit code %d\n%s%s", words, code, out, errs)
		}
	}
}

// A certificate for a wildcard alone: what the host is called must be said, and
// the hint can be typed.
func TestVHostOfAWildcardAlone(t *testing.T) {
	s := newApacheShell(t)
	s.addCertificate("w.test", apachetest.Leaf{Names: []string{"*.w.test"}})
	s.run(exitOK, "plan", "not served: ", "tlskeeper apache vhost w.test --name www.w.test")
	s.run(exitUsage, "vhost w.test", "hint: tlskeeper apache vhost w.test --name www.w.test")
	s.run(exitOK, "vhost w.test --name www.w.test --document-root / --dry-run", "+    ServerName www.w.test\n+    ServerAlias *.w.test\n")
}
