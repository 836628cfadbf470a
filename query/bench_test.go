package query

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/logship/store"
)

// million makes a database of 1,000,000 requests over 90 days: 12 suites, 20
// vhosts, 5,000 user agents of which few are frequent, 50,000 clients.
func million(b *testing.B) *DB {
	b.Helper()
	path := filepath.Join(b.TempDir(), "tls.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	f := &store.File{Path: "bench", Fingerprint: []byte{1}, FingerprintLen: 1}
	start := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	for part := range 40 {
		var lines []store.Line
		at := f.Offset
		for i := range 25_000 {
			when := start.Add(time.Duration(part*25_000+i) * (90 * 24 * time.Hour / 1_000_000))
			suite := min(11, int(rng.ExpFloat64()*2))
			raw := fmt.Sprintf(`%s,198.51.%d.%d,HTTP/2.0,www%d.example.org,TLSv1.%d,SUITE-%d,"agent %d, like \"Gecko\""`,
				when.Format("[02/Jan/2006:15:04:05 -0700]"), rng.IntN(200), rng.IntN(250), min(19, int(rng.ExpFloat64()*4)),
				3-suite/4, suite, min(4999, int(rng.ExpFloat64()*rng.ExpFloat64()*200)))
			lines = append(lines, store.Line{Offset: at, Raw: []byte(raw)})
			at += int64(len(raw)) + 1
		}
		if err := s.Append(b.Context(), f, lines, at, false); err != nil {
			b.Fatal(err)
		}
	}
	db, err := Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkQuery asks 1,000,000 rows from the roll-ups and from the rows; each
// question opens the database anew, as the command does.
func BenchmarkQuery(b *testing.B) {
	db := million(b)
	for _, name := range []string{"ciphers", "trend", "hours", "agents", "legacy-agents"} {
		for way, noRollup := range map[string]bool{"rollup": false, "scan": true} {
			b.Run(name+"/"+way, func(b *testing.B) {
				for b.Loop() {
					r, err := db.Report(b.Context(), name, Options{NoRollup: noRollup})
					if err != nil {
						b.Fatal(err)
					}
					if strings.HasPrefix(r.Way, "scan") != noRollup {
						b.Fatal(r.Way)
					}
				}
			})
		}
	}
	b.Run("cost", func(b *testing.B) {
		for b.Loop() {
			if _, err := Cost(b.Context(), db, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
