package cmdline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

const (
	helpWidth  = 80 // columns of the narrowest terminal that is in use
	helpIndent = "   "
	labelMost  = 26 // a wider label has its text on the next line
	everywhere = "Everywhere: --config, --root, --json, -v, -q; see tlskeeper --help."
)

// row is one entry of a list: a flag or a command, and what it does.
type row struct{ label, text string }

// HelpText is what `tlskeeper COMMAND --help` prints. alone tells that the
// command does something without its sub-commands, too. The library's own
// template has room for the arguments or the examples, and wraps nothing.
func HelpText(name string, c *cli.Command, alone bool) string {
	usage := name
	switch {
	case len(c.Subcommands) > 0 && alone:
		usage += " [COMMAND]"
	case len(c.Subcommands) > 0:
		usage += " COMMAND"
	}
	usage = strings.TrimSpace(usage + " [flags] " + c.ArgsUsage)
	return section("NAME", wrapped(name+" - "+c.Usage, helpIndent)) +
		section("USAGE", helpIndent+usage+"\n") +
		section("EXAMPLES", indented(c.UsageText)) +
		section("DESCRIPTION", paragraphs(c.Description)) +
		section("COMMANDS", list(commandRows(c.Subcommands))) +
		section("FLAGS", list(flagRows(c.Flags))) +
		everywhere + "\n"
}

// WholeHelpText is what `tlskeeper --help` prints.
func WholeHelpText(tool *cli.App) string {
	return section("NAME", wrapped(tool.Name+" - "+tool.Usage, helpIndent)) +
		section("USAGE", helpIndent+tool.Name+" COMMAND [flags] [arguments]\n") +
		section("EXAMPLES", indented(tool.UsageText)) +
		section("DESCRIPTION", paragraphs(tool.Description)) +
		section("COMMANDS", list(commandRows(tool.Commands))) +
		strings.TrimSuffix(section("FLAGS, also behind a command", list(flagRows(tool.Flags))), "\n")
}

// AsTemplate makes a text a template of the library that prints just that.
func AsTemplate(text string) string { return strings.ReplaceAll(text, "{{", "{{`{{`}}") }

func section(title, body string) string {
	if body == "" {
		return ""
	}
	return title + ":\n" + body + "\n"
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString(helpIndent + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}

// paragraphs wraps a description anew: its lines are as long as they were in
// the source.
func paragraphs(text string) string {
	var all []string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p != "" {
			all = append(all, wrapped(p, helpIndent))
		}
	}
	return strings.Join(all, "\n")
}

// wrapped breaks text between words, each line behind indent.
func wrapped(text, indent string) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(indent+line+" "+word) > helpWidth {
			b.WriteString(indent + line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return b.String() + indent + line + "\n"
}

// list writes rows in two columns.
func list(rows []row) string {
	width := 0
	for _, r := range rows {
		if n := utf8.RuneCountInString(r.label); n <= labelMost {
			width = max(width, n)
		}
	}
	indent := strings.Repeat(" ", len(helpIndent)+width+2)
	var b strings.Builder
	for _, r := range rows {
		text := wrapped(r.text, indent)
		if n := utf8.RuneCountInString(r.label); n <= width {
			text = strings.Repeat(" ", width-n+2) + strings.TrimPrefix(text, indent)
		} else {
			text = "\n" + text
		}
		b.WriteString(helpIndent + r.label + text)
	}
	return b.String()
}

func commandRows(commands []*cli.Command) []row {
	var rows []row
	for _, c := range commands {
		if !c.Hidden {
			rows = append(rows, row{strings.Join(c.Names(), ", "), c.Usage})
		}
	}
	return rows
}

func flagRows(flags []cli.Flag) []row {
	var rows []row
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); !ok || v.IsVisible() {
			rows = append(rows, flagRow(f))
		}
	}
	return append(rows, row{"-h, --help", "show help"})
}

func flagRow(f cli.Flag) row {
	names := slices.SortedStableFunc(slices.Values(f.Names()), func(a, b string) int { return min(len(a), 2) - min(len(b), 2) })
	for i, n := range names {
		names[i] = Dashes(n) + n
	}
	doc := f.(cli.DocGenerationFlag)
	usage, value := UnquoteUsage(f)
	if value != "" {
		value = " " + value
		if text := strings.Trim(doc.GetDefaultText(), `"`); text != "" && text != "0" && text != "0s" {
			usage += fmt.Sprintf(" (default: %s)", text)
		}
	}
	for _, v := range doc.GetEnvVars() {
		usage += " [$" + v + "]"
	}
	return row{strings.Join(names, ", ") + value, usage}
}

// Dashes are those that a flag of that name is typed with: one or two.
func Dashes(name string) string {
	if len(name) == 1 {
		return "-"
	}
	return "--"
}

// placeholder is the name that a flag's usage gives its value.
var placeholder = regexp.MustCompile("`([^`]*)`")

// UnquoteUsage splits a flag's usage into text and the name of its value; ""
// is for a flag without one.
func UnquoteUsage(f cli.Flag) (usage, value string) {
	usage = f.(cli.DocGenerationFlag).GetUsage()
	if m := placeholder.FindStringSubmatch(usage); m != nil {
		value = m[1]
	} else if TakesValue(f) {
		value = "VALUE"
	}
	return strings.ReplaceAll(usage, "`", ""), value
}
