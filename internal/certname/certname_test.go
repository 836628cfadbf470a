package certname

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	table, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		want, quoted, _ := strings.Cut(strings.TrimSpace(line), " ")
		if want == "#" {
			continue
		}
		name, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if good := Problem(name) == ""; good != (want == "good") {
			t.Errorf("%q is good: %v", name, good)
		}
	}
	if long := strings.Repeat("a", 201); Problem(long) == "" {
		t.Error("a name of 201 bytes is good")
	}
}
