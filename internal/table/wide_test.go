package table

import (
	"strings"
	"testing"
)

// What a terminal shows in two columns, or in none.
var wide = map[string]int{
	"abc": 3, "": 0, "ü": 1,
	"漢字":         4,
	"e\u0301":    1, // e and a combining acute accent
	"한국":         4,
	"👍":          2,
	"👩‍💻":        2, // two emoji, joined into one
	"…":          1,
	"───":        3,
	"ｆｕｌｌ":       8,
	"a漢b\u0308c": 5,
}

func TestWidthOfWideCharacters(t *testing.T) {
	t.Setenv("LANG", "ja_JP.UTF-8") // where lines and dots were two columns wide once
	for text, want := range wide {
		if got := Width(text); got != want {
			t.Errorf("%q is %d columns wide, want %d", text, got, want)
		}
	}
}

// Columns stand under each other, whatever is in them.
func TestColumnsOfWideCharactersAreAligned(t *testing.T) {
	var rows [][]string
	for text := range wide {
		rows = append(rows, []string{text, "|"})
	}
	var out strings.Builder
	Write(&out, 0, []string{"NAME", "END"}, rows)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	at := Width(lines[0][:strings.Index(lines[0], "END")])
	for _, line := range lines[1:] {
		if got := Width(line[:strings.Index(line, "|")]); got != at {
			t.Errorf("the second column begins at %d, want %d:\n%s", got, at, &out)
		}
	}
}

// However a text is shortened, it fits, and no character is cut in two.
func TestShortenedTextsFit(t *testing.T) {
	for _, unit := range []string{"a", "漢", "e\u0301", "👩‍💻", "a漢"} {
		text := "begin " + strings.Repeat(unit, 40) + " end"
		for width := 1; width < 40; width++ {
			for name, got := range map[string]string{"cut": Cut(text, width), "squeezed": Squeeze(text, width)} {
				if Width(got) > width || !strings.Contains(got, "…") || strings.ContainsRune(got, '\uFFFD') {
					t.Errorf("%s to %d: %q is %d wide", name, width, got, Width(got))
				}
			}
			if got := Row([]string{text, "x"}, []int{width, 1}, []bool{true, false}); Width(got) != width+Gap+1 {
				t.Errorf("a row is %d wide, want %d: %q", Width(got), width+Gap+1, got)
			}
		}
		if got := Squeeze(text, 20); !strings.HasPrefix(got, "begin ") || !strings.HasSuffix(got, " end") {
			t.Errorf("both ends are to stay: %q", got)
		}
	}
	if got := Cut("short", 5); got != "short" {
		t.Error(got)
	}
}

func TestOnANarrowTerminalRowsAreParagraphs(t *testing.T) {
	header, rows := []string{"NAME", "EXPIRES"}, [][]string{{"漢字.example.org", "2027-02-21"}, {"b.example", ""}}
	const table = "NAME              EXPIRES\n漢字.example.org  2027-02-21\nb.example\n"
	const paragraphs = "name     漢字.example.org\nexpires  2027-02-21\n\nname     b.example\nexpires\n"
	for width, want := range map[int]string{0: table, 80: table, 28: table, 27: paragraphs} {
		var out strings.Builder
		Write(&out, width, header, rows)
		if out.String() != want {
			t.Errorf("%d columns:\n%q\nwant\n%q", width, out.String(), want)
		}
	}
}
