package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"

	"github.com/BurntSushi/toml"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/regular"
	"tlskeeper/internal/safepath"
)

// exampleHint is the way out of a missing file.
const exampleHint = "tlskeeper setup writes one (tlskeeper config example shows every key)"

// Load reads the file at path ("" = the standard place below root) and returns
// the effective configuration. What is wrong with it is an *Error, the first
// one by line; hint.Of tells what to do.
func Load(path, root string) (*Config, error) {
	paths := PathsFor(root)
	if path == "" {
		path = paths.ConfigFile()
	}
	cfg, problems := Problems(path, paths)
	if len(problems) == 0 {
		return cfg, nil
	}
	return nil, firstOf(problems)
}

// LoadOrDefault is Load for commands that can do without a file: when none is
// named and none is in the standard place, the defaults are in force and File
// is "". A file that is named must exist, and one that exists must be right.
func LoadOrDefault(path, root string) (*Config, error) {
	paths := PathsFor(root)
	if path == "" {
		_, err := os.Stat(paths.ConfigFile())
		if errors.Is(err, fs.ErrNotExist) {
			return defaultWithEnvironment(paths)
		}
	}
	return Load(path, root)
}

func defaultWithEnvironment(paths Paths) (*Config, error) {
	cfg := Default(paths)
	if problems := cfg.applyEnvironment(os.Getenv); len(problems) > 0 {
		return nil, firstOf(problems)
	}
	return cfg, nil
}

// Problems reads the file at path and returns everything that is wrong with
// it, in order of lines; the configuration is to be used only when that is
// nothing.
func Problems(path string, paths Paths) (*Config, []*Error) {
	text, problem := readFile(path)
	if problem != nil {
		return nil, []*Error{problem}
	}
	return parse(path, text, paths, os.Getenv)
}

// Parse is Problems for a text that is not in a file yet.
func Parse(path, text string, paths Paths) (*Config, []*Error) {
	return parse(path, text, paths, func(string) string { return "" })
}

func parse(path, text string, paths Paths, env func(string) string) (*Config, []*Error) {
	tree := map[string]any{}
	if _, err := toml.Decode(text, &tree); err != nil {
		return nil, []*Error{syntaxError(path, err)}
	}
	cfg := Default(paths)
	cfg.File = path
	d := decoder{file: path, lines: lineTable(text), origins: cfg.origins}
	d.table(tree, cfg)
	if len(d.problems) == 0 {
		cfg.complete(d.lines)
		d.problems = append(d.problems, cfg.applyEnvironment(env)...)
		v := validator{file: path, lines: d.lines}
		v.config(cfg)
		d.problems = append(d.problems, v.problems...)
	}
	sort.SliceStable(d.problems, func(i, j int) bool { return d.problems[i].Line < d.problems[j].Line })
	return cfg, d.problems
}

func firstOf(problems []*Error) error {
	first := problems[0]
	text := first.Hint
	if more := len(problems) - 1; more > 0 {
		text = joinHint(text, fmt.Sprintf("%d more: tlskeeper config check", more))
	}
	if text == "" {
		return first
	}
	return hint.Wrap(first, text)
}

func joinHint(a, b string) string {
	if a == "" {
		return b
	}
	return a + " (" + b + ")"
}

func readFile(path string) (string, *Error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &Error{File: path, Msg: "no such file", Hint: exampleHint}
	case err != nil:
		return "", &Error{File: path, Msg: regular.Cause(err).Error()}
	case !info.Mode().IsRegular():
		return "", &Error{File: path, Msg: "not a file"}
	}
	data, err := safepath.ReadFile(path)
	if open, ok := errors.AsType[*safepath.Error](err); ok {
		return "", &Error{File: path, Msg: "it names programs that root runs, and others may change it: " + open.Why, Hint: hint.Of(err)}
	}
	if err != nil {
		return "", &Error{File: path, Msg: regular.Cause(err).Error(), Hint: "run it as root"}
	}
	return string(data), nil
}

func syntaxError(path string, err error) *Error {
	if e, ok := errors.AsType[toml.ParseError](err); ok {
		return &Error{File: path, Line: e.Position.Line, Msg: "not valid TOML: " + e.Message, Hint: quoteHint(e.Message)}
	}
	return &Error{File: path, Msg: "not valid TOML: " + err.Error()}
}
