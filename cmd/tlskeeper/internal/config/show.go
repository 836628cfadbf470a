package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Value is one effective setting and where it came from.
type Value struct {
	Key    string `json:"key"`    // "acme.email", "certificate[0].names"
	Value  any    `json:"value"`  // text, number, truth or list, as the file would have it
	Origin string `json:"origin"` // "default", "FILE:LINE", "$VARIABLE", "[acme]", ...
}

// Values lists everything in force, in the order of the example file. There is
// no secret among it: the file names secrets by path only.
func (c *Config) Values() []Value {
	var values []Value
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("toml")
		switch field := v.Field(i); {
		case name == "" || name == "-":
		case field.Kind() == reflect.Slice:
			for n := range field.Len() {
				values = c.appendSection(values, fmt.Sprintf("%s[%d]", name, n), field.Index(n))
			}
		default:
			values = c.appendSection(values, name, field)
		}
	}
	return values
}

func (c *Config) appendSection(values []Value, table string, section reflect.Value) []Value {
	for i := range section.NumField() {
		key := table + "." + section.Type().Field(i).Tag.Get("toml")
		origin := c.origins[key]
		if origin == "" {
			origin = fromDefault
		}
		values = append(values, Value{Key: key, Value: plain(section.Field(i).Interface()), Origin: origin})
	}
	return values
}

// plain turns a field into what the file and JSON can hold.
func plain(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return shortDuration(v)
	case Size:
		return v.String()
	case []string:
		if v == nil {
			return []string{}
		}
	}
	return v
}

// shortDuration is d without the zero parts that Duration.String appends:
// "1h", not "1h0m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// String writes the value as TOML, so that what is shown can be pasted.
func (v Value) String() string {
	switch x := v.Value.(type) {
	case string:
		return Quote(x)
	case []string:
		parts := make([]string, len(x))
		for i, s := range x {
			parts[i] = Quote(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case int:
		return strconv.Itoa(x)
	}
	return fmt.Sprint(v.Value)
}

// Quote writes a TOML basic string (toml.io, String): what is typed stays one
// value, whatever it contains.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "?") {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
