package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var (
	sectionLine = regexp.MustCompile(`(?m)^(?:# )?\[+(\w+)\]+$`)
	keyLine     = regexp.MustCompile(`^(# )?([a-z_]+) = `)
)

// keysInExample lists section.key of every setting, commented out or not.
func keysInExample() map[string]bool {
	keys, section := map[string]bool{}, ""
	for line := range strings.Lines(Example) {
		line = strings.TrimSuffix(line, "\n")
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := keyLine.FindStringSubmatch(line); m != nil {
			keys[section+"."+m[2]] = true
		}
	}
	return keys
}

func keysInStruct() map[string]bool {
	keys := map[string]bool{}
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		section, inner := t.Field(i).Tag.Get("toml"), t.Field(i).Type
		if section == "" || section == "-" {
			continue
		}
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		for key := range keysOf(inner) {
			keys[section+"."+key] = true
		}
	}
	return keys
}

func TestExampleHasEveryKeyAndNoOther(t *testing.T) {
	example, structure := keysInExample(), keysInStruct()
	for key := range structure {
		if !example[key] {
			t.Errorf("config.example.toml lacks %s", key)
		}
	}
	for key := range example {
		if !structure[key] {
			t.Errorf("config.example.toml has %s, which nothing reads", key)
		}
	}
}

func TestExampleLoads(t *testing.T) {
	_, problems := parse("example", Example, PathsUnder(""), noEnv)
	for _, p := range problems {
		t.Error(p)
	}
}

// What is commented out must be right as well, once somebody takes the mark
// off. Three pairs exclude or need each other and are taken out.
func TestExampleLoadsUncommented(t *testing.T) {
	text := regexp.MustCompile(`(?m)^# ([a-z_]+ = |\[)`).ReplaceAllString(Example, "$1")
	text = regexp.MustCompile(`(?m)^listen = .*$`).ReplaceAllString(text, "")
	_, problems := parse("example", text, PathsUnder(""), noEnv)
	for _, p := range problems {
		t.Error(p, p.Hint)
	}
}

// A value shown as a default must be the default.
func TestExampleShowsDefaults(t *testing.T) {
	shown := map[string]string{}
	section := ""
	for line := range strings.Lines(Example) {
		line = strings.TrimSuffix(line, "\n")
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := keyLine.FindStringSubmatch(line); m != nil {
			shown[section+"."+m[2]] = line[strings.Index(line, "= ")+2:]
		}
	}
	for _, v := range Default(PathsUnder("")).Values() {
		empty := v.String() == `""` || v.String() == "[]" || v.Key == "cloudwatch.stream"
		if !empty && shown[v.Key] != v.String() {
			t.Errorf("%s: the example shows %s, the default is %s", v.Key, shown[v.Key], v)
		}
	}
}

func noEnv(string) string { return "" }
