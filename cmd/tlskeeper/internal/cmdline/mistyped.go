package cmdline

import (
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/internal/hint"
)

// UnknownCommand says what a word may have been meant for: known are the
// commands that could stand in its place, all the whole tree.
func UnknownCommand(word, parent string, known, all []*cli.Command) error {
	names := VisibleNames(known)
	if word == "" {
		return hint.Wrap(Usagef("%s: which of %s?", strings.TrimPrefix(parent, "tlskeeper "), strings.Join(names, ", ")), parent+" --help")
	}
	err := Usagef("unknown command %q", strings.TrimPrefix(parent+" "+word, "tlskeeper "))
	if instead, ok := habits[word]; ok {
		return hint.Wrap(err, instead)
	}
	if whole := calls(word, "tlskeeper", all); len(whole) > 0 {
		return hint.Wrap(err, "did you mean "+alternatives(whole)+"?")
	}
	if near := hint.Nearest(word, names); near != "" {
		return hint.Wrap(err, "did you mean `"+parent+" "+near+"`?")
	}
	return hint.Wrap(err, parent+" --help lists the commands")
}

// calls lists the commands whose last word is word, as they are typed.
func calls(word, parent string, commands []*cli.Command) []string {
	var whole []string
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		if c.HasName(word) {
			whole = append(whole, "`"+parent+" "+word+"`")
		}
		whole = append(whole, calls(word, parent+" "+c.Name, c.Subcommands)...)
	}
	return whole
}

// alternatives writes: a, b or c.
func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// habits are words that hands type from other tools, and what does here what
// they mean.
var habits = map[string]string{
	"delete":  "take the [[certificate]] out of config.toml, then `tlskeeper certs delete NAME`",
	"logs":    "`tlskeeper tail` follows the TLS log; `journalctl -u tlskeeper` shows what the agent says",
	"install": "`tlskeeper apache apply` installs the configuration",
	"start":   "`systemctl start tlskeeper` starts the agent",
	"enhance": "`tlskeeper apache plan` shows what hardening would change",
}

// VisibleNames are the names of the commands that help lists.
func VisibleNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// The flag package writes one dash before every name.
var (
	flagWithoutValue = regexp.MustCompile(`^flag needs an argument: -+(.+)$`)
	flagWithBadValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-(\S+): `)
)

// OnUsageError rewords the flag package's message and names a near flag.
func OnUsageError(c *cli.Context, err error, _ bool) error {
	msg := err.Error()
	if word, unknown := strings.CutPrefix(msg, "flag provided but not defined: "); unknown {
		return unknownFlag(c, strings.TrimLeft(word, "-"))
	}
	if m := flagWithoutValue.FindStringSubmatch(msg); m != nil {
		msg = Dashes(m[1]) + m[1] + " needs a value"
	} else if m := flagWithBadValue.FindStringSubmatch(msg); m != nil {
		msg = Dashes(m[2]) + m[2] + ": invalid value " + m[1]
	}
	return hint.Wrap(UsageError{msg}, "see --help")
}

func unknownFlag(c *cli.Context, word string) error {
	err := Usagef("unknown flag %s", Dashes(word)+word)
	flags := slices.Clone(c.App.Flags)
	if c.Command != nil {
		flags = append(flags, c.Command.Flags...)
	}
	var names []string
	for _, name := range LongFlags(flags) {
		names = append(names, strings.TrimPrefix(name, "--"))
	}
	if near := hint.Nearest(word, names); near != "" {
		return hint.Wrap(err, "did you mean --"+near+"?")
	}
	return hint.Wrap(err, "see --help")
}

// LongFlags are the long names of flags, with their dashes.
func LongFlags(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		for _, name := range f.Names() {
			if len(name) > 1 {
				names = append(names, "--"+name)
			}
		}
	}
	return names
}
