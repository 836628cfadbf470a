package probe

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// reported makes a report of what a server offers: versions with OpenSSL's
// names of suites, a key, and an HSTS max-age (-1 for none).
func reported(key string, bits int, hsts int64, versions map[string]string) *Report {
	r := &Report{
		Time: time.Now(), HTTP: &HTTP{Status: http.StatusOK},
		Certificates: []Certificate{{Key: key, KeyBits: bits, Signature: "ECDSA-SHA384", Trusted: true, NameMatches: true, NotAfter: time.Now().Add(time.Hour)}},
	}
	if hsts >= 0 {
		r.HTTP.HSTS = &HSTS{Headers: 1, Valid: true, MaxAge: hsts}
	}
	for _, v := range versionNames {
		version := Version{Name: v.name, Code: Code(v.code)}
		for _, name := range strings.Fields(versions[v.name]) {
			version.Suites = append(version.Suites, suiteNamed(name))
		}
		version.Supported = len(version.Suites) > 0
		r.Versions = append(r.Versions, version)
	}
	r.grade()
	return r
}

func suiteNamed(name string) Suite {
	for _, n := range suiteNames {
		if n.openssl == name || n.iana == name {
			return describeSuite(Code(n.id), n.iana, n.openssl)
		}
	}
	panic("no suite " + name)
}

const (
	good13   = "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256"
	good12   = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305"
	old10    = "ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-AES256-SHA"
	twoYears = 63072000
)

// The rows are worked out by hand from the guide: score is 30 % protocol, 30 %
// key exchange, 40 % cipher, each the mean of best and worst (key exchange: the
// worst), and the letter is the worst that the score and the rules allow.
func TestGradesOfTheGuide(t *testing.T) {
	for _, c := range []struct {
		name        string
		key         string
		bits        int
		hsts        int64
		versions    map[string]string
		p, k, c     int
		score       int
		letter, why string
	}{
		{"TLSRef intermediate, P-384", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, 100, 100, 90, 96, "A+", ""},
		{"only 256 bits", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.2": "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.3": "TLS_AES_256_GCM_SHA384"}, 100, 100, 100, 100, "A+", ""},
		{"RSA 2048", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.3": good13}, 100, 90, 90, 93, "A+", ""},
		{"no HSTS", "ECDSA P-384", 384, -1, map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, 100, 100, 90, 96, "A", "A: no HSTS"},
		{"HSTS of a week", "ECDSA P-384", 384, 604800, map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, 100, 100, 90, 96, "A-", "HSTS is short"},
		{"HSTS switched off", "ECDSA P-384", 384, 0, map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, 100, 100, 90, 96, "A-", "max-age=0"},
		{"no TLS 1.3", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.2": good12}, 100, 100, 90, 96, "A-", "no TLS 1.3"},
		{"TLS 1.3 only", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.3": good13}, 100, 100, 90, 96, "A+", ""},
		{"TLS 1.0 too", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1": old10, "TLSv1.1": old10, "TLSv1.2": good12, "TLSv1.3": good13}, 95, 100, 90, 94, "B", "TLS 1.0"},
		{"TLS 1.1 too", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.1": old10, "TLSv1.2": good12, "TLSv1.3": good13}, 97, 100, 90, 95, "B", "TLS 1.1"},
		{"nothing newer than TLS 1.1", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1": old10, "TLSv1.1": old10}, 92, 100, 90, 93, "C", "no TLS 1.2"},
		{"SSL 3", "RSA 2048", 2048, -1, map[string]string{"SSLv3": "AES128-SHA", "TLSv1.2": "ECDHE-RSA-AES128-GCM-SHA256"}, 90, 90, 80, 86, "C", "POODLE"},
		{"no forward secrecy", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "AES128-GCM-SHA256 AES256-GCM-SHA384"}, 100, 90, 90, 93, "B", "no forward secrecy"},
		{"no AEAD", "ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.2": old10}, 100, 100, 90, 96, "B", "no AEAD"},
		{"3DES with TLS 1.2", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384 DES-CBC3-SHA", "TLSv1.3": good13}, 100, 90, 60, 81, "C", "64-bit block"},
		{"3DES with TLS 1.0 only", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1": "DES-CBC3-SHA", "TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.3": good13}, 95, 90, 60, 79, "B", "score 79"},
		{"RC4 with TLS 1.0", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1": "RC4-SHA", "TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.3": good13}, 95, 90, 90, 91, "B", "RC4"},
		{"RC4 with TLS 1.2", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384 RC4-SHA", "TLSv1.3": good13}, 100, 90, 90, 93, "C", "RC4 with"},
		{"NULL", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "ECDHE-RSA-AES256-GCM-SHA384 NULL-SHA256", "TLSv1.3": good13}, 100, 90, 50, 77, "F", "no encryption"},
		{"only NULL", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "NULL-SHA256"}, 100, 90, 0, 0, "F", "score 0"},
		{"export", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1": "EXP-RC4-MD5", "TLSv1.2": good12}, 95, 40, 60, 64, "F", "less than 112 bits"},
		{"anonymous", "RSA 2048", 2048, twoYears, map[string]string{"TLSv1.2": "ADH-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384"}, 100, 0, 100, 0, "F", "no authentication"},
		{"RSA 1024", "RSA 1024", 1024, twoYears, map[string]string{"TLSv1.2": "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.3": good13}, 100, 80, 90, 90, "B", "weak key"},
		{"RSA 512", "RSA 512", 512, twoYears, map[string]string{"TLSv1.2": "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.3": good13}, 100, 40, 90, 78, "F", "insecure key"},
		{"nothing at all", "RSA 2048", 2048, -1, nil, 0, 90, 0, 0, "F", "score 0"},
	} {
		g := reported(c.key, c.bits, c.hsts, c.versions).Grade
		if g.Protocol != c.p || g.KeyExchange != c.k || g.Cipher != c.c || g.Score != c.score || g.Letter != c.letter {
			t.Errorf("%s: %s of %d (%d/%d/%d), want %s of %d (%d/%d/%d); %q", c.name,
				g.Letter, g.Score, g.Protocol, g.KeyExchange, g.Cipher, c.letter, c.score, c.p, c.k, c.c, g.Reasons)
		}
		if !slices.ContainsFunc(g.Reasons, func(r string) bool { return strings.Contains(r, c.why) }) && c.why != "" {
			t.Errorf("%s: no reason has %q: %q", c.name, c.why, g.Reasons)
		}
	}
}

func TestGradeRulesBesideSuites(t *testing.T) {
	for name, c := range map[string]struct {
		edit            func(*Report)
		letter, trusted string
	}{
		"expired":           {func(r *Report) { r.Certificates[0].Trusted = false }, "T", "A+"},
		"another name":      {func(r *Report) { r.Certificates[0].NameMatches = false }, "M", "A+"},
		"both":              {func(r *Report) { r.Certificates[0].NameMatches, r.Certificates[0].Trusted = false, false }, "T", "A+"},
		"incomplete chain":  {func(r *Report) { r.Certificates[0].Incomplete, r.Certificates[0].Trusted = true, false }, "B", "B"},
		"MD5":               {func(r *Report) { r.Certificates[0].Signature = "MD5-RSA" }, "F", "F"},
		"SHA-1":             {func(r *Report) { r.Certificates[0].Signature = "SHA1-RSA" }, "T", "A+"},
		"compression":       {func(r *Report) { r.Features.Compression = true }, "C", "C"},
		"old renegotiation": {func(r *Report) { r.Features.SecureRenegotiation = new(false) }, "A-", "A-"},
		"DH of 1024 bits":   {func(r *Report) { r.DHBits = 1024 }, "B", "B"},
		"no certificate":    {func(r *Report) { r.Certificates = nil }, "T", "A+"},
	} {
		r := reported("ECDSA P-384", 384, twoYears, map[string]string{"TLSv1.2": good12, "TLSv1.3": good13})
		c.edit(r)
		r.grade()
		if r.Grade.Letter != c.letter || r.GradeTrusted.Letter != c.trusted {
			t.Errorf("%s: %s, ignoring trust %s; want %s, %s", name, r.Grade.Letter, r.GradeTrusted.Letter, c.letter, c.trusted)
		}
	}
}

func TestProfileOfAnApacheConfiguration(t *testing.T) {
	for protocol, want := range map[string]string{
		"all -SSLv3 -TLSv1 -TLSv1.1": "TLSv1.2 TLSv1.3",
		"-all +TLSv1.3":              "TLSv1.3",
		"all -SSLv3":                 "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
		"-SSLv2 -SSLv3":              "",
		"TLSv1.2 TLSv1.3":            "TLSv1.3", // the last word without a sign wins
		"tlsv1.2":                    "TLSv1.2",
	} {
		p, err := NewProfile("x", protocol, nil, nil, nil, false)
		if got := strings.Join(p.Versions, " "); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", protocol, got, err, want)
		}
	}
	if _, err := NewProfile("x", "all -TLSv9", nil, nil, nil, false); err == nil {
		t.Error("no error for TLSv9")
	}
}

func TestCheckAgainstAProfile(t *testing.T) {
	p, err := NewProfile("intermediate", "all -SSLv3 -TLSv1 -TLSv1.1", strings.Fields(good12), strings.Fields(good13),
		[]string{"X25519MLKEM768", "X25519", "prime256v1", "secp384r1"}, true)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		versions map[string]string
		edit     func(*Report)
		want     []string
	}{
		"as it should be": {map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, func(*Report) {}, nil},
		"old version":     {map[string]string{"TLSv1": old10, "TLSv1.2": good12, "TLSv1.3": good13}, func(*Report) {}, []string{"version"}},
		"no TLS 1.3":      {map[string]string{"TLSv1.2": good12}, func(*Report) {}, []string{"version"}},
		"weak suite":      {map[string]string{"TLSv1.2": good12 + " AES128-SHA", "TLSv1.3": good13 + " TLS_AES_128_CCM_SHA256"}, func(*Report) {}, []string{"suite", "suite"}},
		"other things": {map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, func(r *Report) {
			r.Groups = []Group{{Name: "x25519"}, {Name: "secp256r1"}, {Name: "secp521r1"}}
			r.Versions[3].Order = "client"
			r.HTTP.HSTS.Headers = 2
			r.Certificates[0].Trusted, r.Certificates[0].NameMatches = false, false
			r.Features.Compression = true
			r.Unknown = []Unknown{{ID: openSuites, What: "TLSv1.2"}}
		}, []string{"order", "group", "compression", "hsts", "trust", "name", "incomplete"}},
		"expired": {map[string]string{"TLSv1.2": good12, "TLSv1.3": good13}, func(r *Report) {
			r.Certificates[0].NotAfter = r.Time.Add(-time.Hour)
		}, []string{"certificate"}},
	} {
		r := reported("ECDSA P-384", 384, twoYears, c.versions)
		c.edit(r)
		var got []string
		for _, f := range r.Check(p) {
			got = append(got, f.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: findings %+v, want %v", name, r.Check(p), c.want)
		}
	}
}

func TestCheckOfALiveServer(t *testing.T) {
	config := &tls.Config{
		Certificates: []tls.Certificate{testCert(t, "ecdsa", "example.test")}, MinVersion: tls.VersionTLS12,
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384},
	}
	p, err := NewProfile("intermediate", "all -SSLv3 -TLSv1 -TLSv1.1", strings.Fields(good12), strings.Fields(good13),
		[]string{"X25519MLKEM768", "X25519", "prime256v1", "secp384r1"}, false)
	if err != nil {
		t.Fatal(err)
	}
	findings := scan(t, serve(t, config)).Check(p)
	if len(findings) != 1 || findings[0].ID != "trust" {
		t.Errorf("findings %+v", findings)
	}
}
