package store

import "testing"

// BenchmarkAppend takes in chunks of 1 MiB, as the follower reads them, with and
// without the queue of the shipper.
func BenchmarkAppend(b *testing.B) {
	for name, ship := range map[string]bool{"local": false, "ship": true} {
		b.Run(name, func(b *testing.B) {
			const n = 10_000
			lines, end := content(requests(n))
			s := openTemp(b, Options{})
			f := newFile("bench")
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Append(b.Context(), f, lines, f.Offset+end, ship); err != nil {
					b.Fatal(err)
				}
				for i := range lines {
					lines[i].Offset += end
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
