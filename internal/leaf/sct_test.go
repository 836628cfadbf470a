package leaf

import (
	"bytes"
	"testing"
	"time"
)

func TestSCTOfAnotherShape(t *testing.T) {
	raw := append([]byte{0}, bytes.Repeat([]byte{0xff}, 32)...)
	raw = append(raw, 0, 0, 1, 0x9b, 0x76, 0xda, 0xe8, 0, 0, 0)
	got, ok := ParseSCT(raw)
	if want := time.UnixMilli(0x19b76dae800).UTC(); !ok || !got.Time.Equal(want) || got.LogID != "//////////////////////////////////////////8=" {
		t.Errorf("got %+v, %v", got, ok)
	}
	future := append([]byte{0}, bytes.Repeat([]byte{0xff}, 60)...)
	for name, bad := range map[string][]byte{"of version 2": append([]byte{1}, raw[1:]...), "cut short": raw[:40], "empty": nil, "of no date": future} {
		if got, ok := ParseSCT(bad); ok {
			t.Errorf("one %s: %+v", name, got)
		}
	}
}
