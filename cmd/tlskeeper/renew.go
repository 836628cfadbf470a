package main

import (
	"cmp"
	"slices"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/hint"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) renewCommand() *cli.Command {
	return &cli.Command{
		Name:      "renew",
		Usage:     "renew what is due, and finish deployments that failed (a timer runs this)",
		ArgsUsage: "[CERTIFICATE...]",
		UsageText: "tlskeeper renew\ntlskeeper renew --dry-run\ntlskeeper renew --force --cert-name www.example.org\ntlskeeper renew --quiet",
		Description: "Run it every hour: when a certificate is due is the CA's word (ARI), or two\n" +
			"thirds of its lifetime. What was issued and could not be deployed is tried again\n" +
			"without a new order. After a failure the next try waits, longer each time.\n" +
			"--dry-run rehearses every certificate, as that of `issue` does. Hooks get their\n" +
			"facts from TLSKEEPER_CERTIFICATE, _NAMES, _DIR, _FULLCHAIN and _KEY\n" +
			"(deploy), or TLSKEEPER_CERTIFICATES (pre, post).",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "cert-name", Usage: "only the certificate `NAME`"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"force-renewal"}, Usage: "renew although nothing is due"},
			dryRunFlag(),
		},
		Action: a.renew,
	}
}

func (a *app) renew(c *cli.Context) error {
	cfg, err := a.config(c)
	if err != nil {
		return err
	}
	if len(cfg.Certificates) == 0 {
		return hint.Wrap(cmdline.Usagef("renew: no certificate is configured"), "add a [[certificate]] to "+cfg.File)
	}
	run, err := a.renewalConfig(c, cfg)
	if err != nil {
		return err
	}
	done, err := a.rehearsal(c, cfg, &run)
	if err != nil {
		return err
	}
	defer done()
	report, err := renewal.Run(c.Context, run, renewal.Options{
		Only:  slices.Concat(c.Args().Slice(), c.StringSlice("cert-name")),
		Force: c.Bool("force"), DryRun: c.Bool("dry-run"),
	})
	return cmp.Or(err, a.printReport(c, report))
}
