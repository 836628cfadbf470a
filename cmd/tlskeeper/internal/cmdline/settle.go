package cmdline

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// Settle gives c what urfave/cli/v2 does not hand down: its help text, the
// handler for misspelt flags, and an answer to a word that is no sub-command, or where the
// usage names no arguments.
func Settle(c *cli.Command, parent string) {
	name := parent + " " + c.Name
	c.OnUsageError, c.HideHelpCommand = OnUsageError, true
	do := c.Action
	c.CustomHelpTemplate = AsTemplate(HelpText(name, c, do != nil))
	c.Action = func(ctx *cli.Context) error {
		word := ctx.Args().First()
		switch {
		case len(c.Subcommands) > 0 && (do == nil || word != ""):
			return UnknownCommand(word, name, c.Subcommands, ctx.App.Commands)
		case c.ArgsUsage == "" && word != "":
			return Usagef("%s takes no arguments, but there is %q", strings.TrimPrefix(name, "tlskeeper "), word)
		}
		return do(ctx)
	}
	for _, sub := range c.Subcommands {
		Settle(sub, name)
	}
}
