package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// decoder lays a parsed TOML tree onto a struct. The library's own decoder
// names Go types in its errors and loses the place inside repeated tables; this
// one says both in words of the file.
type decoder struct {
	file     string
	lines    lines
	origins  map[string]string
	problems []*Error
}

func (d *decoder) problem(key, hint, format string, args ...any) {
	d.problems = append(d.problems, &Error{File: d.file, Line: d.lines.at(key), Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// table decodes the top level: sections, and nothing beside them.
func (d *decoder) table(tree map[string]any, cfg *Config) {
	v := reflect.ValueOf(cfg).Elem()
	known := keysOf(v.Type())
	for _, name := range sortedKeys(tree) {
		i, ok := known[name]
		if !ok {
			d.unknownSection(name, tree[name], known)
			continue
		}
		if field := v.Field(i); field.Kind() == reflect.Slice {
			d.repeated(name, tree[name], field)
		} else {
			d.section(name, tree[name], field)
		}
	}
}

func (d *decoder) unknownSection(name string, value any, known map[string]int) {
	if _, isTable := value.(map[string]any); !isTable && !isTables(value) {
		d.problem(name, sectionOf(name), "%q stands before the first section", name)
		return
	}
	d.problem(d.firstLineOf(name), didYouMean(name, known), "unknown section [%s]", name)
}

// firstLineOf finds the position of a table that may be a repeated one.
func (d *decoder) firstLineOf(name string) string {
	if _, ok := d.lines[name]; ok {
		return name
	}
	return name + "[0]"
}

func (d *decoder) repeated(name string, value any, field reflect.Value) {
	tables, ok := value.([]map[string]any)
	if !ok {
		d.problem(name, "write [["+name+"]]", "[%s] can stand several times and needs two brackets", name)
		return
	}
	for i, t := range tables {
		element := reflect.New(field.Type().Elem()).Elem()
		d.fields(fmt.Sprintf("%s[%d]", name, i), t, element)
		field.Set(reflect.Append(field, element))
	}
}

func (d *decoder) section(name string, value any, field reflect.Value) {
	t, ok := value.(map[string]any)
	switch {
	case ok:
		d.origins[name] = d.origin(name)
		d.fields(name, t, field)
	case isTables(value):
		d.problem(name+"[0]", "write ["+name+"]", "[[%s]] can stand only once and needs one bracket", name)
	default:
		d.problem(name, "write ["+name+"] and its keys below", "%q is a section, not a key", name)
	}
}

func (d *decoder) fields(table string, tree map[string]any, v reflect.Value) {
	known := keysOf(v.Type())
	for _, name := range sortedKeys(tree) {
		key := table + "." + name
		i, ok := known[name]
		if !ok {
			d.problem(key, didYouMean(name, known), "unknown key %q in %s", name, heading(table))
			continue
		}
		if want, ok := assign(v.Field(i), tree[name]); !ok {
			d.problem(key, "", "%s must be %s, not %s", name, want, describe(tree[name]))
			continue
		}
		d.origins[key] = d.origin(key)
	}
}

func (d *decoder) origin(key string) string { return fmt.Sprintf("%s:%d", d.file, d.lines.at(key)) }

// assign sets field from a TOML value; where the kinds do not fit it returns
// what is wanted, in words.
func assign(field reflect.Value, value any) (want string, ok bool) {
	switch field.Interface().(type) {
	case string:
		return "text in quotes", set[string](field, value)
	case bool:
		return "true or false", set[bool](field, value)
	case int:
		n, isInt := value.(int64)
		field.SetInt(n)
		return "a whole number", isInt && int64(int(n)) == n
	case time.Duration:
		return `a time with its unit in quotes, such as "250ms", "90s" or "1h"`, setDuration(field, value)
	case Size:
		return `a size with its unit in quotes, such as "500MiB" or "8GiB", or "0"`, setSize(field, value)
	case []string:
		return `a list of texts, such as ["a", "b"]`, setList(field, value)
	}
	return "left out (no key of this kind can be read)", false
}

func set[T any](field reflect.Value, value any) bool {
	v, ok := value.(T)
	if ok {
		field.Set(reflect.ValueOf(v))
	}
	return ok
}

func setDuration(field reflect.Value, value any) bool {
	text, ok := value.(string)
	if !ok {
		return false
	}
	d, err := time.ParseDuration(text)
	field.SetInt(int64(d))
	return err == nil
}

func setList(field reflect.Value, value any) bool {
	items, ok := value.([]any)
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, isText := item.(string)
		if !isText {
			return false
		}
		list = append(list, text)
	}
	field.Set(reflect.ValueOf(list))
	return ok
}

// describe names a TOML value as the file's writer sees it.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("the text %q", shorten(v))
	case int64, float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprint(v)
	case []any:
		return "a list of other things"
	case map[string]any, []map[string]any:
		return "a section"
	case time.Time:
		return "a date"
	}
	return "that"
}

func shorten(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// heading is how a table looks in the file: certificate[1] is the second
// [[certificate]].
func heading(table string) string {
	if name, _, indexed := strings.Cut(table, "["); indexed {
		return "[[" + name + "]]"
	}
	return "[" + table + "]"
}

// keysOf maps the TOML keys of a struct type to field numbers.
func keysOf(t reflect.Type) map[string]int {
	keys := map[string]int{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("toml"); tag != "" && tag != "-" {
			keys[tag] = i
		}
	}
	return keys
}

func isTables(value any) bool {
	_, ok := value.([]map[string]any)
	return ok
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
