package probe

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/child"
	"tlskeeper/internal/testenv"
)

// sslscan is an independent reading of what a server accepts; the servers are
// OpenSSL's, with suites, versions, groups and keys drawn from a fixed seed.
func TestScanAgreesWithSSLScan(t *testing.T) {
	testenv.Need(t, "sslscan", "openssl")
	draw := rand.New(rand.NewPCG(2016, 1))
	names := opensslSuites(t)
	for i := range 24 {
		config := drawConfig(draw, names)
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) {
			t.Parallel()
			target := sServer(t, config.args...)
			r := scan(t, target)
			want := runSSLScan(t, target)
			if got := accepted(r); !slices.Equal(got, want.suites()) {
				t.Errorf("%s\nwe find %v\nsslscan %v", config, got, want.suites())
			}
			if got := groups13(r); !slices.Equal(got, want.groups("TLSv1.3")) {
				t.Errorf("%s\nwe find %v\nsslscan %v", config, got, want.groups("TLSv1.3"))
			}
			// sslscan finds no curves where its own ClientHello ends in DHE.
			if curves := want.groups("TLSv1.2"); config.onlyRSA() && len(curves) > 0 && !slices.Equal(groups12(r), curves) {
				t.Errorf("%s\nwe find %v\nsslscan %v", config, groups12(r), curves)
			}
			want.checkPreferred(t, r)
		})
	}
}

// serverConfig is a configuration of openssl s_server.
type serverConfig struct {
	args []string
}

// onlyRSA tells whether any curve can be tried alone: with an ECDSA key that of
// the key must be offered too, and sslscan offers one at a time.
func (c serverConfig) onlyRSA() bool { return c.args[1] == "rsa.pem" && c.args[2] != "-dcert" }

func (c serverConfig) String() string { return strings.Join(c.args, " ") }

// drawConfig draws keys, suites, versions, groups and who chooses.
func drawConfig(draw *rand.Rand, names []string) serverConfig {
	var c serverConfig
	switch draw.IntN(3) {
	case 0:
		c.args = []string{"-cert", "ecdsa.pem"}
	case 1:
		c.args = []string{"-cert", "rsa.pem"}
	default:
		c.args = []string{"-cert", "rsa.pem", "-dcert", "ecdsa.pem"}
	}
	picked := []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}
	for _, i := range draw.Perm(len(names))[:4+draw.IntN(20)] {
		picked = append(picked, names[i])
	}
	c.args = append(c.args, "-cipher", strings.Join(picked, ":")+":@SECLEVEL=0")
	suites13 := []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"}
	draw.Shuffle(len(suites13), func(i, j int) { suites13[i], suites13[j] = suites13[j], suites13[i] })
	c.args = append(c.args, "-ciphersuites", strings.Join(suites13[:1+draw.IntN(5)], ":"))
	groups := []string{"X25519", "P-256", "P-384", "P-521", "X448", "brainpoolP256r1", "brainpoolP512r1", "secp256k1", "P-224", "sect283k1"}
	draw.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	// P-384 is always among them: it is the curve of the ECDSA key.
	c.args = append(c.args, "-groups", strings.Join(append(withoutName(groups[:1+draw.IntN(8)], "P-384"), "P-384"), ":"))
	for _, off := range []string{"-no_tls1", "-no_tls1_1", "-no_tls1_3", "-serverpref"} {
		if draw.IntN(2) == 0 {
			c.args = append(c.args, off)
		}
	}
	return c
}

func withoutName(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x == s })
}

// opensslSuites are the suites of the installed OpenSSL that need neither PSK
// nor SRP nor DSA.
func opensslSuites(t *testing.T) []string {
	out, err := child.Run(t.Context(), child.Cmd{
		Argv: []string{"openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"}, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Split(strings.TrimSpace(string(out.Stdout)), ":")
	return slices.DeleteFunc(names, func(n string) bool {
		return strings.HasPrefix(n, "TLS_") || strings.Contains(n, "PSK") || strings.Contains(n, "SRP") || strings.Contains(n, "DSS")
	})
}

// sServer runs openssl s_server on a port of its own choice.
func sServer(t testing.TB, args ...string) Target {
	t.Helper()
	dir := t.TempDir()
	writePEM(t, dir, "ecdsa")
	writePEM(t, dir, "rsa")
	cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"s_server", "-accept", "127.0.0.1:0", "-www"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			go func() {
				for lines.Scan() { // the server writes on; its pipe must not fill
				}
			}()
			return Target{Addr: addr, SNI: "example.test"}
		}
	}
	t.Fatalf("openssl s_server %s did not start", strings.Join(args, " "))
	return Target{}
}

// writePEM writes key and certificate of a kind into one file.
func writePEM(t testing.TB, dir, kind string) {
	cert := testCert(t, kind, "example.test")
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(filepath.Join(dir, kind+".pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sslscanXML is the part of sslscan's report that is compared.
type sslscanXML struct {
	Test struct {
		Ciphers []struct {
			Version string `xml:"sslversion,attr"`
			ID      string `xml:"id,attr"`
			Status  string `xml:"status,attr"`
		} `xml:"cipher"`
		Groups []struct {
			Version string `xml:"sslversion,attr"`
			ID      string `xml:"id,attr"`
		} `xml:"group"`
	} `xml:"ssltest"`
}

func runSSLScan(t testing.TB, target Target) sslscanXML {
	t.Helper()
	out, err := child.Run(t.Context(), child.Cmd{
		Argv: []string{"sslscan", "--no-heartbleed", "--no-renegotiation", "--no-compression", "--no-fallback",
			"--show-cipher-ids", "--sni-name=" + target.SNI, "--xml=-", target.Addr},
		Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	var report sslscanXML
	if err := xml.Unmarshal(out.Stdout, &report); err != nil {
		t.Fatalf("%v in %s", err, out.Stdout)
	}
	return report
}

// sslscanVersion is Apache's name of a version that sslscan names.
func sslscanVersion(v string) string { return strings.Replace(v, "TLSv1.0", "TLSv1", 1) }

func (x sslscanXML) suites() []string {
	var all []string
	for _, c := range x.Test.Ciphers {
		all = append(all, sslscanVersion(c.Version)+" "+strings.ToLower(c.ID))
	}
	slices.Sort(all)
	return all
}

func accepted(r *Report) []string {
	var all []string
	for v, s := range r.suites {
		all = append(all, v.Name+" "+s.ID.String())
	}
	slices.Sort(all)
	return all
}

// groups are the curves of a version; sslscan does not look for ffdhe.
func (x sslscanXML) groups(version string) []string {
	var all []string
	for _, g := range x.Test.Groups {
		if g.Version == version {
			all = append(all, strings.ToLower(g.ID))
		}
	}
	slices.Sort(all)
	return all
}

func groups13(r *Report) []string { return curves(r, func(g Group) bool { return g.TLS13 }) }
func groups12(r *Report) []string { return curves(r, func(g Group) bool { return g.TLS12 }) }

func curves(r *Report, match func(Group) bool) []string {
	var all []string
	for _, g := range r.Groups {
		if match(g) && !strings.HasPrefix(g.Name, "ffdhe") {
			all = append(all, g.Code.String())
		}
	}
	slices.Sort(all)
	return all
}

// checkPreferred compares the first suite where the server chooses.
func (x sslscanXML) checkPreferred(t *testing.T, r *Report) {
	for _, v := range r.Versions {
		for _, c := range x.Test.Ciphers {
			if v.Order == "server" && sslscanVersion(c.Version) == v.Name && c.Status == "preferred" && v.Suites[0].ID.String() != strings.ToLower(c.ID) {
				t.Errorf("%s: we find %v first, sslscan %s", v.Name, v.Suites[0].ID, c.ID)
			}
		}
	}
}
