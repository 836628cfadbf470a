package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// Faults that pass `httpd -t` and kill the server at its next reload. Each
// stands in the admin's file already: we must say where, and touch nothing.
func TestBrokenBeforeUs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	good := r.sites()
	other := r.issue("other", apachetest.Leaf{Names: []string{"a.test"}})
	truncated := filepath.Join(r.dir, "truncated.pem")
	text, err := os.ReadFile(other.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(truncated, text[:len(text)/3], 0o644); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(r.dir, "ticket.key")
	if err := os.WriteFile(short, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	faults := []struct{ name, line string }{
		{"empty protocol set", "SSLProtocol -SSLv3 -TLSv1.2"},
		{"no such cipher", "SSLCipherSuite NOSUCH"},
		{"TLS 1.3 names in the old list", "SSLCipherSuite TLS_AES_128_GCM_SHA256"},
		{"no such TLS 1.3 suite", "SSLCipherSuite TLSv1.3 NOSUCH"},
		{"unknown group", "SSLOpenSSLConfCmd Curves nosuch"},
		{"optional group on an old library", "SSLOpenSSLConfCmd Groups ?nosuch:X25519:::"},
		{"options typo", "SSLOpenSSLConfCmd Options NoSuchOption"},
		{"signature algorithms typo", "SSLOpenSSLConfCmd SignatureAlgorithms nosuch"},
		{"stapling without cache", "SSLUseStapling on"},
		{"key of another certificate", "SSLCertificateKeyFile " + other.KeyFile},
		{"truncated certificate", "SSLCertificateFile " + truncated},
		{"ticket key too short", "SSLSessionTicketKeyFile " + short},
		{"bad client CA file", "SSLCACertificateFile " + short},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			bad := strings.Replace(good, "  SSLEngine on\n", "  SSLEngine on\n  "+f.line+"\n", 1)
			if strings.Contains(f.line, "SSLCertificateKeyFile") {
				bad = strings.Replace(good, "SSLCertificateKeyFile \""+r.oldA.KeyFile+"\"", f.line, 1)
			}
			r.writeSites(bad)
			before := r.snapshot()
			_, err := r.try(Change{Profile: "intermediate"})
			refused := asRefused(t, err)
			r.unchanged(before)
			r.serves("a.test", r.oldA.Leaf)
			if len(refused.Findings) == 0 || refused.Findings[0].File != r.a.SitesFile || !strings.Contains(lineOf(bad, refused.Findings[0].Line), firstWord(f.line)) {
				t.Errorf("named %+v", refused.Findings)
			}
		})
	}
}

// firstWord is cut so that a key's line may be named by its certificate's.
func firstWord(s string) string {
	w := strings.Fields(s)[0]
	return w[:min(len(w), len("SSLCertificate"))]
}

func lineOf(text string, n int) string {
	lines := strings.Split(text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// What httpd cannot even parse is named by its own words, with the place.
func TestSyntaxErrorIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.writeSites(r.sites() + "NoSuchDirective on\n")
	_, err := Discover(t.Context(), r.cfg)
	refused := asRefused(t, err)
	want := strings.Count(r.sites(), "\n")
	if f := refused.Findings[0]; f.File != r.a.SitesFile || f.Line != want || !strings.Contains(f.What, "NoSuchDirective") {
		t.Errorf("finding %+v, want line %d", f, want)
	}
}

// A Listen that the host cannot bind passes every check of httpd.
func TestListenOnAForeignAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.writeSites("Listen 192.0.2.1:8443\n" + r.sites())
	_, err := r.try(Change{LogOnly: true})
	if f := asRefused(t, err).Findings[0]; f.File != r.a.SitesFile || f.Line != 1 {
		t.Errorf("finding %+v", f)
	}
}

func TestApacheIsNotRunning(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	before := r.snapshot()
	_, err := r.try(Change{LogOnly: true})
	if asRefused(t, err).Findings[0].Code != "not-running" {
		t.Error(err)
	}
	r.unchanged(before)
}

// A PidFile of a dead Apache, whose number a stranger has by now.
func TestStalePidFile(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	if err := os.WriteFile(r.a.PidFile, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := r.try(Change{LogOnly: true})
	asRefused(t, err)
}
