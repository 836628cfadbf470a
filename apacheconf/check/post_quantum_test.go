package check

import (
	"strings"
	"testing"
)

// OpenSSL 3.5 is the first that a list of groups can take something from.
func TestListsWithoutPostQuantum(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"3.5.0 X25519:prime256v1": true, "3.6.1 P-256": true, "3.10.0 secp384r1": true, "4.0.0 X25519": true,
		"3.0.19 X25519": false, "3.4.9 X25519": false, "3.5.0 X25519MLKEM768:X25519": false,
		"3.5.0 x25519mlkem768": false, "3.5.0 SecP384r1MLKEM1024": false, "3.5.0 ": false, "3.5.0 ?X448:DEFAULT": false,
	} {
		version, groups, _ := strings.Cut(line, " ")
		if got := dropsPostQuantum(groups, version); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
