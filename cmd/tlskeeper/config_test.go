package main

import (
	"strings"
	"testing"
)

func TestValuesOnANarrowTerminal(t *testing.T) {
	rows := [][3]string{
		{"acme.email", `"a@example.org"`, "/etc/tlskeeper/config.toml:2"},
		{"agent.database", `"/var/lib/tlskeeper/log/tls.db"`, "default"},
		{"acme.keep", "5", "default"},
	}
	const wide = `acme.email      = "a@example.org"                  # /etc/tlskeeper/config.toml:2
agent.database  = "/var/lib/tlskeeper/log/tls.db"  # default
acme.keep       = 5                                # default
`
	const narrow = `acme.email      = "a@example.org"  # /etc/tlskeeper/config.toml:2
agent.database  = "/var/lib/tlskeeper/log/tls.db"  # default
acme.keep       = 5                                # default
`
	const narrower = `acme.email      = "a@example.org"
    # /etc/tlskeeper/config.toml:2
agent.database  = "/var/lib/tlskeeper/log/tls.db"  # default
acme.keep       = 5                                # default
`
	const narrowest = `acme.email      = "a@example.org"
    # /etc/tlskeeper/config.toml:2
agent.database  = "/var/lib/tlskeeper/log/tls.db"
    # default
acme.keep       = 5  # default
`
	for width, want := range map[int]string{0: wide, 81: wide, 80: narrow, 65: narrow, 64: narrower, 60: narrower, 59: narrowest} {
		var out strings.Builder
		writeValues(&out, width, rows)
		if out.String() != want {
			t.Errorf("%d columns:\n%s", width, out.String())
		}
	}
}
