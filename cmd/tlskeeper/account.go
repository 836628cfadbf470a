package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/acme"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/table"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) accountCommand() *cli.Command {
	return &cli.Command{
		Name:      "account",
		Usage:     "show our accounts with the CAs, or end one",
		UsageText: "tlskeeper account\ntlskeeper account show --json\ntlskeeper account deactivate --yes",
		Description: "An account is made with the first certificate, and changed when the email of the\n" +
			"configuration changes.",
		Action: a.accountShow,
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "show our accounts with the configured CAs",
				UsageText: "tlskeeper account show\ntlskeeper account show --json", Action: a.accountShow,
			},
			{
				Name: "deactivate", Usage: "end an account with its CA for ever", ArgsUsage: "[CA]",
				UsageText: "tlskeeper account deactivate\ntlskeeper account deactivate zerossl --yes",
				Description: "Certificates stay valid and are served on. The timer makes no other account, and\n" +
					"renews nothing with this CA; a typed `tlskeeper issue` does. CA is a name or directory of the configuration; the default is the first.",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}},
				Action: a.accountDeactivate,
			},
		},
	}
}

func (a *app) accountShow(c *cli.Context) error {
	_, list, err := a.accounts(c)
	if err != nil {
		return err
	}
	if a.json(c) {
		return a.printJSON(map[string]any{"accounts": list})
	}
	var rows [][]string
	for _, one := range list {
		rows = append(rows, []string{term.Escape(one.CA), orDash(term.Escape(one.URL)), orDash(term.Escape(strings.Join(one.Contact, " "))),
			day(one.Created), orDash(term.Escape(one.KeyFile))})
	}
	table.Write(a.stdout, screenWidth(a.stdout), []string{"CA", "ACCOUNT", "CONTACT", "SINCE", "KEY"}, rows)
	return nil
}

// accounts lists the accounts with the configured CAs.
func (a *app) accounts(c *cli.Context) (renewal.Config, []acme.Account, error) {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return renewal.Config{}, nil, err
	}
	run := a.storeConfig(c, cfg)
	if run.Client, err = a.acmeClient(c, cfg, cfg.Paths.ACME); err != nil {
		return run, nil, err
	}
	list, err := run.Client.Accounts()
	return run, list, needsRoot(err)
}

func (a *app) accountDeactivate(c *cli.Context) error {
	if c.NArg() > 1 {
		return cmdline.Usagef("account deactivate: want one CA")
	}
	run, list, err := a.accounts(c)
	if err != nil {
		return err
	}
	ended, err := pickAccount(list, c.Args().First())
	if err != nil {
		return err
	}
	if err := a.confirm(c, "deactivate the account "+term.Escape(ended.URL)+" with "+term.Escape(ended.CA)+" for ever?"); err != nil {
		return err
	}
	if err := renewal.Deactivate(c.Context, run, ended.Directory); err != nil {
		return err
	}
	if a.json(c) {
		return a.printJSON(ended)
	}
	fmt.Fprintf(a.stdout, "%s: the account %s is deactivated\n", term.Escape(ended.CA), term.Escape(ended.URL))
	return nil
}

// pickAccount finds the account with a CA, by its name or directory; "" is the
// first CA.
func pickAccount(list []acme.Account, ca string) (acme.Account, error) {
	for _, one := range list {
		if ca != "" && ca != one.CA && ca != one.Directory {
			continue
		}
		if one.URL == "" {
			return one, hint.Wrap(fmt.Errorf("there is no account with %s", one.CA), "`tlskeeper account` lists them")
		}
		return one, nil
	}
	return acme.Account{}, hint.Wrap(cmdline.Usagef("account: no CA %q is configured", ca), "`tlskeeper account` lists them")
}
