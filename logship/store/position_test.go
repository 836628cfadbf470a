package store

import (
	"strings"
	"testing"
)

// An import of the beginning of a file that the agent has read further does not
// take the agent's place from it.
func TestImportOfAnEarlierPartLeavesThePosition(t *testing.T) {
	s := openTemp(t, Options{})
	text := requests(100)
	f := newFile(text)
	appendText(t, s, f, text, true)
	begin := strings.Index(text, "\n") + 1
	lines, end := content(text[:begin])
	again := *f
	again.Offset = 0
	if n, err := s.Import(t.Context(), &again, lines, end); n != 0 || err != nil {
		t.Fatalf("%d new lines, %v", n, err)
	}
	files, err := s.Files(t.Context())
	if err != nil || len(files) != 1 || files[0].Offset != int64(len(text)) {
		t.Errorf("the agent would go on at %+v, %v; want %d", files, err, len(text))
	}
}

// Of many seconds the newest are remembered: the next line is of one of them.
func TestNewestSecondsAreRemembered(t *testing.T) {
	o := ordinals{}
	for ts := range int64(keptSeconds + 4) {
		o.next(1000 + ts)
		o.next(1000 + ts)
	}
	got := readOrdinals(o.String())
	if len(got) != keptSeconds {
		t.Errorf("%d seconds are remembered, want %d", len(got), keptSeconds)
	}
	const newest = 1000 + keptSeconds + 3
	if at := got.next(newest); at != newest*1000+2 {
		t.Errorf("the third line of the newest second is at %d", at)
	}
	if at := got.next(1000); at != 1000*1000 {
		t.Errorf("a line of the oldest second is at %d", at)
	}
}
