package term

import (
	"encoding/json"
	"testing"
	"unicode"
)

func TestEscapeJSONHidesNothingAndKeepsTheValue(t *testing.T) {
	for _, in := range []string{"plain", "Gr\u00fc\u00dfe", "\x1b[2J", "\u009b31m", "a\u202eb\u2066c\u200b", "\ufeff", "\U000e0041", "\x7f", `back\slash "quoted"`} {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		got := EscapeJSON(string(text))
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != in {
			t.Errorf("%q came back as %q: %v", in, back, err)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Errorf("%q: %U is written", in, r)
			}
		}
	}
	if got := EscapeJSON("{\n  \"a\": 1\n}"); got != "{\n  \"a\": 1\n}" {
		t.Errorf("%q", got)
	}
}
