package acme

import (
	"fmt"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
)

// BenchmarkHundredNames is one certificate for 100 names from a CA that takes
// up to five seconds for the validation of each: they go on side by side.
func BenchmarkHundredNames(b *testing.B) {
	webroot := b.TempDir()
	ca := acmetest.New(b, acmetest.Options{HTTPPort: acmetest.Webroot(b, webroot), SleepSeconds: 6})
	r := Request{Name: "many", Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: webroot}}
	for i := range 100 {
		r.Names = append(r.Names, fmt.Sprintf("www%d.example.org", i))
	}
	for b.Loop() {
		c, err := New(Config{Dir: b.TempDir(), AgreeTOS: true, CAs: []CA{{Name: "test", Directory: ca.Directory, CAFile: ca.RootFile}}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Issue(b.Context(), r, IssueOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/certificate")
}
