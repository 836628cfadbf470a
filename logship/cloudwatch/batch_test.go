package cloudwatch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"tlskeeper/logship/accesslog"
	"tlskeeper/logship/lines"
)

// checkContract holds a batch to the page of PutLogEvents.
func checkContract(t *testing.T, batch []Event) {
	t.Helper()
	size := 0
	for i, ev := range batch {
		size += len(ev.Message) + 26
		if i > 0 && ev.Millis < batch[i-1].Millis {
			t.Fatal("not in chronological order")
		}
	}
	if len(batch) == 0 || len(batch) > 10_000 || size > 1_048_576 {
		t.Fatalf("%d events of %d bytes", len(batch), size)
	}
	if span := batch[len(batch)-1].Millis - batch[0].Millis; span > 24*60*60*1000 {
		t.Fatalf("a span of %d ms", span)
	}
}

func TestCutKeepsTheContract(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		var events []Event
		spread := int64(1) << random.IntN(32)
		length := 1 << random.IntN(16)
		for id := range random.IntN(30_000) {
			if id*length > 8<<20 {
				break
			}
			events = append(events, Event{int64(id), random.Int64N(spread), strings.Repeat("x", 1+random.IntN(length))})
		}
		seen, last := map[int64]bool{}, Event{ID: -1}
		for _, batch := range Cut(events) {
			checkContract(t, batch)
			for _, ev := range batch {
				if ev.Millis == last.Millis && ev.ID < last.ID {
					t.Fatal("events of one millisecond changed places")
				}
				seen[ev.ID], last = true, ev
			}
		}
		if len(seen) != len(events) {
			t.Fatalf("%d of %d events came out", len(seen), len(events))
		}
	}
}

func TestCutAtTheLimits(t *testing.T) {
	const day = 24 * 60 * 60 * 1000
	for name, c := range map[string]struct {
		events  []Event
		batches int
	}{
		"nothing":           {nil, 0},
		"one of full size":  {[]Event{{Message: strings.Repeat("x", maxMessage)}}, 1},
		"a byte too much":   {[]Event{{Message: strings.Repeat("x", maxMessage-26)}, {Message: "x"}}, 2},
		"just fits":         {[]Event{{Message: strings.Repeat("x", maxMessage-27)}, {Message: "x"}}, 1},
		"less than a day":   {[]Event{{Millis: 0, Message: "x"}, {Millis: day - 1, Message: "x"}}, 1},
		"a day":             {[]Event{{Millis: 0, Message: "x"}, {Millis: day, Message: "x"}}, 2},
		"ten thousand":      {make([]Event, 10_000), 1},
		"ten thousand, one": {make([]Event, 10_001), 2},
	} {
		if got := len(Cut(c.events)); got != c.batches {
			t.Errorf("%s: %d batches, want %d", name, got, c.batches)
		}
	}
}

func TestMessageFitsWhateverTheBytes(t *testing.T) {
	for raw, fits := range map[string]bool{
		strings.Repeat("a", lines.Max):     true,
		strings.Repeat("é", lines.Max):     false,
		strings.Repeat("a\xff", lines.Max): false,
	} {
		text, whole := message([]byte(raw), accesslog.ClientsFull)
		if len(text) > maxMessage || len(text) < maxMessage-3 || !utf8.ValidString(text) {
			t.Errorf("%d bytes, valid: %v", len(text), utf8.ValidString(text))
		}
		if whole != fits {
			t.Errorf("whole: %v, want %v", whole, fits)
		}
	}
}

func BenchmarkCut(b *testing.B) {
	events := make([]Event, 10_000)
	for i := range events {
		events[i] = Event{int64(i), int64(i * 7919 % 10_000), fmt.Sprintf("%0180d", i)}
	}
	work := make([]Event, len(events))
	for b.Loop() {
		copy(work, events)
		Cut(work)
	}
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
}
