package main

import (
	"cmp"
	"fmt"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/setup"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) setupCommand() *cli.Command {
	return &cli.Command{
		Name:  "setup",
		Usage: "first run: write the configuration and make the directories",
		UsageText: "tlskeeper setup\n" +
			"tlskeeper setup --dry-run -d www.example.org -d example.org --webroot /var/www/html\n" +
			"tlskeeper setup --agree-tos --email hostmaster@example.org -d www.example.org --listen :80",
		Description: "Asks what no flag answers when standard input is a terminal. What is there\nalready stays as it is, byte for byte.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "domain", Aliases: []string{"d"}, Usage: "a `NAME` for the first certificate; repeat it"},
			&cli.BoolFlag{Name: "agree-tos", Usage: "accept the terms of service of the CA"},
			&cli.StringFlag{Name: "email", Usage: "`ADDRESS` for the CA"},
			&cli.StringFlag{Name: "ca", Usage: "the CA called `NAME`: letsencrypt, letsencrypt-staging, zerossl or google"},
			&cli.StringFlag{Name: "directory", Usage: "`URL` of another CA's ACME directory"},
			&cli.StringFlag{Name: "ca-file", Usage: "roots of that CA's HTTPS, a PEM `FILE`"},
			&cli.StringFlag{Name: "webroot", Aliases: []string{"w"}, Usage: "DocumentRoot `DIR` of port 80"},
			&cli.StringFlag{Name: "listen", Usage: "answer challenges ourselves on `ADDRESS`"},
			&cli.StringFlag{Name: "group", Usage: "ship the log to this CloudWatch Logs `GROUP`"},
			&cli.StringFlag{Name: "region", Usage: "AWS `REGION` of it"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print what would be done and do nothing"},
		},
		Action: a.setup,
	}
}

func (a *app) setup(c *cli.Context) error {
	paths := a.paths(c)
	file := cmp.Or(c.String("config"), paths.ConfigFile())
	answers := answersOf(c)
	if setup.IsFirst(file) && term.IsTerminal(a.stdin) && !c.Bool("quiet") {
		if err := answers.Ask(c.Context, a.stdin, a.stderr); err != nil {
			return err
		}
	}
	plan, err := setup.Prepare(paths, file, answers)
	if err != nil {
		return err
	}
	return a.carryOut(c, plan)
}

func (a *app) carryOut(c *cli.Context, plan *setup.Plan) error {
	if !c.Bool("dry-run") {
		if err := plan.Apply(); err != nil {
			return err
		}
	}
	if a.json(c) {
		return a.printJSON(plan)
	}
	fmt.Fprint(a.stdout, cmdline.EscapeLines(plan.Diff()))
	if plan.Empty() {
		fmt.Fprintln(a.stderr, "everything is in place; nothing was changed")
	}
	if !c.Bool("dry-run") && !c.Bool("quiet") {
		fmt.Fprint(a.stderr, setup.Next(plan.Config))
	}
	return nil
}

func answersOf(c *cli.Context) setup.Answers {
	return setup.Answers{
		AgreeTOS:  c.Bool("agree-tos"),
		Email:     c.String("email"),
		CA:        c.String("ca"),
		Directory: c.String("directory"),
		CAFile:    c.String("ca-file"),
		Names:     c.StringSlice("domain"),
		Webroot:   c.String("webroot"),
		Listen:    c.String("listen"),
		Group:     c.String("group"),
		Region:    c.String("region"),
	}
}
