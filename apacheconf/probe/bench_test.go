package probe

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"tlskeeper/internal/child"
	"tlskeeper/internal/testenv"
)

// BenchmarkScan scans a real Apache and reports, beside the time, how many
// times longer sslscan takes for the same server in the same run, and for one
// of them testssl.sh, which takes minutes.
func BenchmarkScan(b *testing.B) {
	for _, c := range []struct {
		name, global string
		testssl      bool
	}{
		{"all-suites", "SSLProtocol all -SSLv3\nSSLCipherSuite ALL:@SECLEVEL=0\n", false},
		{"hardened", "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20\n", true},
	} {
		b.Run(c.name, func(b *testing.B) {
			target := startApache(b, c.global, "").Target
			begin := time.Now()
			for b.Loop() {
				if _, err := Scan(b.Context(), target); err != nil {
					b.Fatal(err)
				}
			}
			ours := time.Since(begin) / time.Duration(b.N)
			compare(b, "sslscan", ours, func() { runSSLScan(b, target) })
			if c.testssl {
				compare(b, "testssl", ours, func() { runTestSSL(b, target) })
			}
		})
	}
}

// compare reports how many times longer another program takes.
func compare(b *testing.B, program string, ours time.Duration, run func()) {
	if !testenv.Has(program) {
		b.Logf("%s is not installed: no comparison", program)
		return
	}
	begin := time.Now()
	run()
	took := time.Since(begin)
	b.Logf("%s took %v", program, took.Round(time.Millisecond))
	b.ReportMetric(float64(took)/float64(ours), "times-faster-than-"+program)
}

// runTestSSL runs every test of testssl.sh. Its exit status counts what it
// does not like.
func runTestSSL(b *testing.B, target Target) {
	host, port, err := net.SplitHostPort(target.Addr)
	if err != nil {
		b.Fatal(err)
	}
	_, err = child.Run(context.WithoutCancel(b.Context()), child.Cmd{
		Argv:    []string{"testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", host, target.SNI + ":" + port},
		Env:     []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TERM=dumb", "HOME=" + b.TempDir()},
		Timeout: 10 * time.Minute, MaxOutput: 4 << 20,
	})
	var exit *child.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
}
