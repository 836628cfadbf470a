package probe

import (
	"testing"
	"time"

	"tlskeeper/internal/testenv"
)

// BenchmarkScan scans a real Apache and reports, beside the time, how many
// times longer sslscan takes for the same server in the same run.
func BenchmarkScan(b *testing.B) {
	for name, global := range map[string]string{
		"all-suites": "SSLProtocol all -SSLv3\nSSLCipherSuite ALL:@SECLEVEL=0\n",
		"hardened":   "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20\n",
	} {
		b.Run(name, func(b *testing.B) {
			target := startApache(b, global, "").Target
			begin := time.Now()
			for b.Loop() {
				if _, err := Scan(b.Context(), target); err != nil {
					b.Fatal(err)
				}
			}
			ours := time.Since(begin) / time.Duration(b.N)
			b.StopTimer()
			if testenv.Has("sslscan") {
				begin = time.Now()
				runSSLScan(b, target)
				b.ReportMetric(float64(time.Since(begin))/float64(ours), "times-faster-than-sslscan")
			}
		})
	}
}
