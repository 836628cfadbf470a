package templates

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// The rule for names of certificates is that of the other two packages.
func TestCertificateNames(t *testing.T) {
	table, err := os.ReadFile("../internal/config/testdata/certificate-names.txt")
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
		if good := CheckName(name) == nil; good != (want == "good") {
			t.Errorf("%q is good: %v", name, good)
		}
	}
	if long := strings.Repeat("a", 201); CheckName(long) == nil {
		t.Error("a name of 201 bytes is good")
	}
}
