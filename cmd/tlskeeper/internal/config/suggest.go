package config

import (
	"fmt"
	"reflect"
	"strings"

	"tlskeeper/internal/hint"
)

// didYouMean is the hint for an unknown name: the nearest known one when it is
// near, else all of them.
func didYouMean(name string, known map[string]int) string {
	names := sortedKeys(known)
	if near := hint.Nearest(strings.ToLower(name), names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known here: " + strings.Join(names, ", ")
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
		return "every key belongs below a section such as [acme]; tlskeeper config example shows them all"
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
