package config

import (
	"fmt"
	"reflect"
	"strings"
)

// didYouMean is the hint for an unknown name: the nearest known one when it is
// near, else all of them.
func didYouMean(name string, known map[string]int) string {
	best, distance := "", len(name)/2+1
	for _, k := range sortedKeys(known) {
		if d := editDistance(strings.ToLower(name), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known here: " + strings.Join(sortedKeys(known), ", ")
}

// sectionOf is the hint for a key outside any section: the sections that have it.
func sectionOf(name string) string {
	var sections []string
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		tag, inner := t.Field(i).Tag.Get("toml"), t.Field(i).Type
		if inner.Kind() == reflect.Slice {
			inner, tag = inner.Elem(), "["+tag+"]"
		}
		if inner.Kind() != reflect.Struct || strings.HasPrefix(tag, "-") {
			continue
		}
		if _, ok := keysOf(inner)[name]; ok {
			sections = append(sections, "["+tag+"]")
		}
	}
	if len(sections) == 0 {
		return "every key belongs below a section: " + exampleHint
	}
	return "put it below " + strings.Join(sections, " or ")
}

// quoteHint recognizes the syntax error that everyone makes once: text without
// quotes.
func quoteHint(message string) string {
	if strings.Contains(message, "expected value but found") || strings.Contains(message, "looks like") {
		return "text needs quotes, and the words true and false none"
	}
	return ""
}

// editDistance is Levenshtein's, on bytes: keys are ASCII.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
