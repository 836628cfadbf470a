package main

import (
	"cmp"
	"fmt"

	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/certbot"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) importCertbotCommand() *cli.Command {
	return &cli.Command{
		Name:  "import-certbot",
		Usage: "take over account, certificates and renewal settings from certbot",
		UsageText: "tlskeeper import-certbot --dry-run\ntlskeeper import-certbot --yes\n" +
			"tlskeeper import-certbot --webroot /var/www/html --yes\ntlskeeper import-certbot --dir /srv/old/letsencrypt --dry-run",
		Description: "Appends a [[certificate]] for each of certbot's to the configuration, and stores its\n" +
			"valid certificates and its account. What cannot be carried over is named. certbot's\n" +
			"own files stay as they are, and so does its timer: the lines to type come last.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Value: "/etc/letsencrypt", Usage: "certbot's directory is `DIR`"},
			&cli.StringFlag{Name: "webroot", Aliases: []string{"w"}, Usage: "where certbot answered by a plugin, files below `DIR` will do"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would be taken over, and change nothing"},
		},
		Action: a.importCertbot,
	}
}

func (a *app) importCertbot(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	host, err := certbot.Read(c.String("dir"))
	if err != nil {
		return err
	}
	plan, err := certbot.Prepare(host, cfg, cmp.Or(cfg.File, c.String("config"), cfg.Paths.ConfigFile()), a.webroots(c, cfg))
	if err != nil {
		return err
	}
	if !a.json(c) {
		fmt.Fprint(a.stdout, cmdline.EscapeLines(plan.Diff()))
	}
	if !c.Bool("dry-run") && !plan.Empty() {
		if err := a.confirm(c, "take this over?"); err != nil {
			return err
		}
		if err := plan.Apply(c.Context, cfg); err != nil {
			return err
		}
	}
	if a.json(c) {
		return a.printJSON(plan)
	}
	a.printCertbot(c, plan)
	return nil
}

// webroots asks the flag, and Apache only where certbot had its plugin at work.
func (a *app) webroots(c *cli.Context, cfg *config.Config) certbot.Webroots {
	var server *apacheconf.Server
	find := func(name string) string {
		if server == nil {
			found, err := apacheconf.Discover(c.Context, a.apacheConfig(c, cfg))
			if err != nil {
				a.log(c).Debug("no DocumentRoot", "name", name, "err", err)
				return ""
			}
			server = found
		}
		return server.DocumentRoot(name)
	}
	return certbot.Webroots{Given: c.String("webroot"), Apache: find}
}

// printCertbot says what became of certbot's belongings.
func (a *app) printCertbot(c *cli.Context, plan *certbot.Plan) {
	verb := "taken over"
	if c.Bool("dry-run") {
		verb = "would be taken over"
	}
	for _, name := range plan.Certificates {
		fmt.Fprintf(a.stdout, "certificate %s: %s\n", term.Escape(name), verb)
	}
	for _, url := range plan.Accounts {
		fmt.Fprintf(a.stdout, "account %s: %s\n", term.Escape(url), verb)
	}
	for _, name := range plan.Skipped {
		fmt.Fprintf(a.stdout, "certificate %s: ours already\n", term.Escape(name))
	}
	for _, what := range plan.NotCarried {
		fmt.Fprintf(a.stdout, "not carried over: %s\n", term.Escape(what))
	}
	if c.Bool("dry-run") || c.Bool("quiet") || len(plan.Next) == 0 {
		return
	}
	fmt.Fprintln(a.stderr, "certbot goes on as before. When ours are served and the dry run succeeds, stop it with the last line:")
	for _, line := range plan.Next {
		fmt.Fprintf(a.stderr, "  %s\n", term.Escape(line))
	}
}
