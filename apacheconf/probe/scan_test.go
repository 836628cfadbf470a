package probe

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func scan(t *testing.T, target Target) *Report {
	t.Helper()
	r, err := Scan(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func supported(r *Report) []string {
	var names []string
	for _, v := range r.Versions {
		if v.Supported {
			names = append(names, v.Name)
		}
	}
	return names
}

func suitesOf(r *Report, version uint16) []string {
	var names []string
	if v := r.version(version); v != nil {
		for _, s := range v.Suites {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

func TestScanFindsTheVersions(t *testing.T) {
	cert := testCert(t, "ecdsa", "example.test")
	for _, c := range []struct {
		min, max uint16
		want     []string
	}{
		{tls.VersionTLS10, tls.VersionTLS13, []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}},
		{tls.VersionTLS10, tls.VersionTLS10, []string{"TLSv1"}},
		{tls.VersionTLS11, tls.VersionTLS12, []string{"TLSv1.1", "TLSv1.2"}},
		{tls.VersionTLS13, tls.VersionTLS13, []string{"TLSv1.3"}},
	} {
		r := scan(t, serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: c.min, MaxVersion: c.max}))
		if got := supported(r); !slices.Equal(got, c.want) {
			t.Errorf("%x to %x: versions %v, want %v", c.min, c.max, got, c.want)
		}
		if len(r.Certificates) != 1 || r.Certificates[0].Key != "ECDSA P-384" {
			t.Errorf("%x to %x: certificates %+v", c.min, c.max, r.Certificates)
		}
		if len(r.Notes) > 0 {
			t.Errorf("%x to %x: notes %v", c.min, c.max, r.Notes)
		}
	}
}

func TestScanFindsExactlyTheSuites(t *testing.T) {
	all := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
	for _, c := range []struct {
		kind string
		ids  []uint16
	}{
		{"ecdsa", []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
		{"ecdsa", []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}},
		{"rsa", []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384}},
	} {
		config := &tls.Config{Certificates: []tls.Certificate{testCert(t, c.kind, "example.test")}, CipherSuites: c.ids}
		r := scan(t, serve(t, config))
		var want []string
		for _, s := range all {
			if slices.Contains(c.ids, s.ID) {
				want = append(want, s.Name)
			}
		}
		slices.Sort(want)
		if got := suitesOf(r, tls.VersionTLS12); !slices.Equal(got, want) {
			t.Errorf("suites %v, want %v", got, want)
		}
		if got := suitesOf(r, tls.VersionTLS13); len(got) != 3 {
			t.Errorf("TLS 1.3 suites %v", got)
		}
	}
}

func TestScanFindsTheGroups(t *testing.T) {
	for _, c := range []struct {
		curves []tls.CurveID
		want   []string
		pq     bool
	}{
		{[]tls.CurveID{tls.X25519MLKEM768, tls.X25519}, []string{"X25519MLKEM768", "x25519"}, true},
		{[]tls.CurveID{tls.CurveP384}, []string{"secp384r1"}, false},
		{[]tls.CurveID{tls.CurveP256, tls.X25519, tls.CurveP521}, []string{"secp256r1", "secp521r1", "x25519"}, false},
		{[]tls.CurveID{tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024, tls.CurveP256}, []string{"SecP256r1MLKEM768", "SecP384r1MLKEM1024", "secp256r1"}, true},
	} {
		config := &tls.Config{Certificates: []tls.Certificate{testCert(t, "rsa", "example.test")}, CurvePreferences: c.curves}
		r := scan(t, serve(t, config))
		var got []string
		pq := false
		for _, g := range r.Groups {
			got = append(got, g.Name)
			pq = pq || g.PQ
			if !g.TLS13 || g.TLS12 == g.PQ {
				t.Errorf("%v: %s has TLS13 %v, TLS12 %v", c.curves, g.Name, g.TLS13, g.TLS12)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) || pq != c.pq {
			t.Errorf("groups %v, post-quantum %v, want %v, %v", got, pq, c.want, c.pq)
		}
	}
}

func TestScanOfTheFullChain(t *testing.T) {
	authority := func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}
	root := issue(t, "ecdsa", nil, nil, authority)
	middle := issue(t, "ecdsa", &root, nil, authority)
	leaf := issue(t, "ecdsa", &middle, nil, func(c *x509.Certificate) {
		c.DNSNames = []string{"example.test"}
		c.OCSPServer = []string{"http://ocsp.example.test/"}
		c.IssuingCertificateURL = []string{"http://ca.example.test/middle.der"}
	})
	roots := x509.NewCertPool()
	roots.AddCert(root.Leaf)
	for _, c := range []struct {
		name                string
		sent                []tls.Certificate
		sni                 string
		trusted, incomplete bool
		letter              string
		problems            int
	}{
		{"complete", []tls.Certificate{leaf, middle}, "example.test", true, false, "A", 0},
		{"without the intermediate", []tls.Certificate{leaf}, "example.test", false, true, "B", 0},
		{"root sent too", []tls.Certificate{leaf, middle, root}, "example.test", true, false, "A", 0},
		{"wrong order", []tls.Certificate{leaf, root, middle}, "example.test", true, false, "A", 2},
		{"another name", []tls.Certificate{leaf, middle}, "other.test", true, false, "M", 0},
	} {
		config := leaf
		config.Certificate = nil
		for _, cert := range c.sent {
			config.Certificate = append(config.Certificate, cert.Certificate[0])
		}
		target := serve(t, &tls.Config{Certificates: []tls.Certificate{config}})
		target.Roots, target.SNI = roots, c.sni
		r := scan(t, target)
		got := r.Certificates[0]
		if got.Trusted != c.trusted || got.Incomplete != c.incomplete || len(got.ChainProblems) != c.problems || r.Grade.Letter != c.letter {
			t.Errorf("%s: trusted %v, incomplete %v, problems %q, grade %+v", c.name, got.Trusted, got.Incomplete, got.ChainProblems, r.Grade)
		}
		if got.RootSent != (len(c.sent) > 2) {
			t.Errorf("%s: root sent: %v", c.name, got.RootSent)
		}
		if len(got.OCSP) != 1 || got.Stapled {
			t.Errorf("%s: OCSP %v, stapled %v", c.name, got.OCSP, got.Stapled)
		}
	}
}

func TestScanOfHeadersAndFeatures(t *testing.T) {
	config := &tls.Config{
		Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"}, ClientAuth: tls.RequestClientCert,
	}
	target := serveHTTP(t, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "example.test" {
			w.Header().Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
	}))
	redirecting := listen(t, func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		conn.Write([]byte("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://example.test/\r\nContent-Length: 0\r\n\r\n"))
	})
	target.HTTPAddr = redirecting.Addr
	r := scan(t, target)
	f := r.Features
	if !slices.Equal(f.ALPN, []string{"h2", "http/1.1"}) || !f.ClientCertificate || f.Compression {
		t.Errorf("features %+v", f)
	}
	for name, got := range map[string]*bool{
		"renegotiation": f.SecureRenegotiation, "EMS": f.ExtendedMaster, "tickets 1.2": f.Tickets12,
		"tickets 1.3": f.Tickets13, "fallback": f.FallbackSCSV,
	} {
		if got == nil || !*got {
			t.Errorf("%s is %s", name, answer(got))
		}
	}
	if r.HTTP == nil || r.HTTP.HSTS == nil || r.HTTP.HSTS.MaxAge != 63072000 || !r.HTTP.HSTS.IncludeSubDomains {
		t.Errorf("HTTP %+v", r.HTTP)
	}
	if r.Redirect == nil || !r.Redirect.ToHTTPS || r.Redirect.Status != 308 {
		t.Errorf("redirect %+v", r.Redirect)
	}
	if r.GradeTrusted.Letter != "A+" || r.Grade.Letter != "T" {
		t.Errorf("grades %+v, %+v", r.Grade, r.GradeTrusted)
	}
}

func TestScanWithoutTickets(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}, SessionTicketsDisabled: true}
	r := scan(t, serve(t, config))
	if answer(r.Features.Tickets12) != "no" || answer(r.Features.Tickets13) != "no" {
		t.Errorf("tickets %s, %s", answer(r.Features.Tickets12), answer(r.Features.Tickets13))
	}
}

// A list of everything must be found by the scan of a server whose certificate
// has a curve that is not the preferred group.
func TestScanOfACertificateOnAnotherCurve(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := issue(t, "", nil, key, func(c *x509.Certificate) { c.DNSNames = []string{"example.test"} })
	r := scan(t, serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12}))
	if len(r.Groups) != 4 {
		t.Errorf("groups %+v", r.Groups)
	}
}

func TestReportSurvivesJSON(t *testing.T) {
	r := scan(t, serve(t, &tls.Config{Certificates: []tls.Certificate{testCert(t, "rsa", "example.test")}}))
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil || string(again) != string(text) {
		t.Errorf("%v\n%s\n%s", err, text, again)
	}
}

func TestTextEscapesWhatTheServerSays(t *testing.T) {
	cert := issue(t, "ecdsa", nil, nil, func(c *x509.Certificate) {
		c.Subject.CommonName = "evil\x1b[2J"
		c.DNSNames = []string{"example.test"}
	})
	target := serveHTTP(t, &tls.Config{Certificates: []tls.Certificate{cert}}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=1;\u202e\u009b2J")
	}))
	var text strings.Builder
	r := scan(t, target)
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\u202e\u009b") {
		t.Errorf("not escaped: %q", text.String())
	}
	if !strings.Contains(text.String(), "evil") {
		t.Errorf("the issuer is missing: %q", text.String())
	}
}

func TestScanEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := Scan(ctx, listen(t, silent)); err == nil {
		t.Errorf("no error, report %+v", r)
	}
}
