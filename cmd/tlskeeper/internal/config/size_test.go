package config

import "testing"

func TestSizesAreReadAndShownAlike(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "8GiB": 8 << 30, "500MiB": 500 << 20, "1TiB": 1 << 40, "64 MiB": 64 << 20,
		"": -1, "8": -1, "8GB": -1, "-1GiB": -1, "GiB": -1, "1.5GiB": -1, "99999999999GiB": -1,
	} {
		got, err := parseSize(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
		if again, err := parseSize(got.String()); err != nil || again != got {
			t.Errorf("%q is shown as %s", text, got)
		}
	}
}
