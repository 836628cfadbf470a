package schedule

import (
	"crypto/x509"
	"math"
	"math/big"
	"testing"
	"time"
)

func lasting(d time.Duration, serial int64) *x509.Certificate {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &x509.Certificate{NotBefore: start, NotAfter: start.Add(d), SerialNumber: big.NewInt(serial), AuthorityKeyId: []byte{1}}
}

const day = 24 * time.Hour

func TestDueWithoutAWindow(t *testing.T) {
	for _, lifetime := range []time.Duration{90 * day, 64 * day, 45 * day, 160 * time.Hour, time.Hour} {
		cert := lasting(lifetime, 7)
		d := Due(cert, cert.NotBefore, nil)
		left := cert.NotAfter.Sub(d.At)
		want := lifetime / 3
		if lifetime < shortLifetime {
			want = lifetime / 2
		}
		if d.Due || left < want || left > want+lifetime/50 {
			t.Errorf("%v: renewed with %v left, want %v", lifetime, left, want)
		}
		if again := Due(cert, cert.NotBefore, nil); again != d {
			t.Errorf("%v: a second call decides otherwise", lifetime)
		}
		if !Due(cert, d.At, nil).Due || Due(cert, d.At.Add(-1), nil).Due {
			t.Errorf("%v: not due exactly at its time", lifetime)
		}
	}
}

func TestDueByWindow(t *testing.T) {
	cert := lasting(90*day, 9)
	at := func(days int) time.Time { return cert.NotBefore.Add(time.Duration(days) * day) }
	ari := func(days int) *ARI { return &ARI{CertID: CertID(cert), Chosen: at(days)} }
	tests := map[string]struct {
		ari  *ARI
		want time.Time
	}{
		"in the window":             {ari(61), at(61)},
		"moved into the past":       {ari(-1), at(-1)},
		"after the expiry":          {ari(200), at(75)},
		"of a former certificate":   {&ARI{CertID: "x.y", Chosen: at(1)}, Due(cert, at(0), nil).At},
		"without a chosen moment":   {&ARI{CertID: CertID(cert)}, Due(cert, at(0), nil).At},
		"no information whatsoever": {nil, Due(cert, at(0), nil).At},
	}
	for name, test := range tests {
		if got := Due(cert, at(0), test.ari); !got.At.Equal(test.want) {
			t.Errorf("%s: %v, want %v", name, got.At, test.want)
		}
	}
}

func TestWindowKeepsItsChoice(t *testing.T) {
	now := time.Now()
	var answer Answer
	answer.Window.Start, answer.Window.End = now.Add(30*day), now.Add(32*day)
	first := (*ARI)(nil).Update("a.b", answer, now)
	if first.Chosen.Before(answer.Window.Start) || !first.Chosen.Before(answer.Window.End) {
		t.Fatalf("chose %v outside of the window", first.Chosen)
	}
	for range 20 {
		if again := first.Update("a.b", answer, now); !again.Chosen.Equal(first.Chosen) || again.Moved {
			t.Fatal("the choice was made again")
		}
	}
	if kept := first.Update("a.b", Answer{}, now); !kept.Chosen.Equal(first.Chosen) || !kept.NextPoll.Equal(now.Add(defaultPoll)) {
		t.Error("a failed question changed the choice, or is repeated too soon")
	}
	answer.Window.Start, answer.Window.End = now.Add(-2*time.Hour), now.Add(-time.Hour)
	if moved := first.Update("a.b", answer, now); !moved.Moved || moved.Chosen.After(now) {
		t.Errorf("a revocation's window: %+v", moved)
	}
	backwards := answer
	backwards.Window.End = backwards.Window.Start
	if kept := first.Update("a.b", backwards, now); !kept.Chosen.Equal(first.Chosen) {
		t.Error("a window without length was used")
	}
}

// TestBackoffOfAThousandFailures is mod_md's CVE-2025-55753: the pause became
// zero after 30 days.
func TestBackoffOfAThousandFailures(t *testing.T) {
	for _, remaining := range []time.Duration{math.MinInt64, -day, 0, time.Second, day, 90 * day, math.MaxInt64} {
		for _, failures := range []int{math.MinInt, -1, 0, 1, 2, 3, 4, 5, 63, 64, 65, 1000, math.MaxInt} {
			if got := Backoff(failures, remaining); got < time.Minute || got > MaxBackoff*11/10 {
				t.Errorf("after %d failures with %v left: %v", failures, remaining, got)
			}
		}
	}
	if got := Backoff(4, 8*time.Hour); got < 100*time.Minute || got > 2*time.Hour {
		t.Errorf("with eight hours left: %v", got)
	}
}
