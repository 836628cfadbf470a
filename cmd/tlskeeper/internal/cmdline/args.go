package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionFlag ends the line with which a shell asks for completions.
const completionFlag = "--generate-bash-completion"

// Normalize puts a command line into the order that urfave/cli/v2 reads:
// global flags, command, its flags, arguments. The library by itself stops at
// the first argument and drops the flags behind it without a word
// (`scan host:443 --sni name`), and knows global flags only in front.
func Normalize(app *cli.App, args []string) []string {
	if len(args) < 2 || args[len(args)-1] == completionFlag {
		return args
	}
	args = translate(args)
	l := &line{globals: app.Flags, commands: app.Commands}
	for rest := args[1:]; len(rest) > 0; {
		rest = l.take(rest)
	}
	if len(l.path) == 0 && len(l.args) > 0 {
		l.flags = nil // of a command that does not exist: its name is the mistake to report
	}
	if l.open != "" {
		// Nothing may come behind it: that would become its value.
		return l.withoutValue(args[0])
	}
	return slices.Concat(args[:1], l.global, l.path, l.flags, l.positionals())
}

// translate gives the words that other tools have as commands their meaning.
func translate(args []string) []string {
	switch args[1] {
	case "help":
		return slices.Concat(args[:1], args[2:], []string{"--help"})
	case "version":
		return []string{args[0], "--version"}
	}
	return args
}

// line is a command line being sorted.
type line struct {
	globals, own        []cli.Flag     // the flags known at this point
	commands            []*cli.Command // the commands that could come next
	global, path, flags []string
	args                []string
	open                string // the flag at the end of the line that lacks its value
}

// take sorts the first of rest, with its value, and returns what follows.
func (l *line) take(rest []string) []string {
	word := rest[0]
	switch {
	case word == "--":
		l.args = append(l.args, rest[1:]...)
		return nil
	case l.isFlag(word):
		return l.takeFlag(rest)
	case len(l.args) == 0 && l.descend(word):
	default:
		l.args = append(l.args, word)
	}
	return rest[1:]
}

// isFlag leaves a lone dash, and a dash before a text with blanks (an SQL
// comment, say), to the arguments.
func (l *line) isFlag(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return len(word) > 1 && word[0] == '-' && !strings.ContainsAny(name, " \t\n")
}

func (l *line) descend(word string) bool {
	for _, c := range l.commands {
		if c.HasName(word) {
			l.path = append(l.path, word)
			l.commands, l.own = c.Subcommands, c.Flags
			return true
		}
	}
	return false
}

func (l *line) takeFlag(rest []string) []string {
	name, _, hasValue := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
	to, flag := &l.flags, find(l.own, name)
	if flag == nil {
		if flag = find(l.globals, name); flag != nil {
			to = &l.global
		}
	}
	n := 1
	if flag != nil && !hasValue && TakesValue(flag) {
		if n = 2; len(rest) == 1 {
			l.open = rest[0]
			return nil
		}
	}
	*to = append(*to, rest[:n]...)
	return rest[n:]
}

// withoutValue is the shortest line with the mistake that is to be reported.
func (l *line) withoutValue(program string) []string {
	if find(l.globals, strings.TrimLeft(l.open, "-")) != nil {
		return []string{program, l.open}
	}
	return slices.Concat([]string{program}, l.path, []string{l.open})
}

func (l *line) positionals() []string {
	if len(l.args) == 0 {
		return nil
	}
	return append([]string{"--"}, l.args...)
}

func find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// TakesValue tells whether a flag is followed by a value.
func TakesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
