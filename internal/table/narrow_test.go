package table

import (
	"strings"
	"testing"
)

func TestTableOnANarrowTerminal(t *testing.T) {
	header, rows := []string{"NAME", "EXPIRES"}, [][]string{{"www.example.org", "2027-02-21"}, {"b.example", "-"}}
	const table = "NAME             EXPIRES\nwww.example.org  2027-02-21\nb.example        -\n"
	const paragraphs = "name     www.example.org\nexpires  2027-02-21\n\nname     b.example\nexpires  -\n"
	for width, want := range map[int]string{0: table, 80: table, 27: table, 26: paragraphs} {
		var out strings.Builder
		Write(&out, width, header, rows)
		if out.String() != want {
			t.Errorf("%d columns:\n%s", width, out.String())
		}
	}
}
