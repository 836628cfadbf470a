package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/acme"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) revokeCommand() *cli.Command {
	return &cli.Command{
		Name:      "revoke",
		Usage:     "revoke a generation of a certificate, the newest if none is named",
		ArgsUsage: "NAME",
		UsageText: "tlskeeper revoke www.example.org --reason keyCompromise\ntlskeeper revoke www.example.org --yes\n" +
			"tlskeeper revoke www.example.org --generation 3",
		Description: "Browsers may refuse the certificate from now on: run `tlskeeper renew` at once,\n" +
			"which gets another one with a new key. This cannot be undone.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Value: "unspecified", Usage: strings.Join(reasonNames(), ", ")},
			&cli.IntFlag{Name: "generation", Usage: "revoke the generation `N`"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
		},
		Action: a.revoke,
	}
}

func reasonNames() []string {
	return slices.SortedFunc(maps.Keys(acme.Reasons), func(a, b string) int { return int(acme.Reasons[a]) - int(acme.Reasons[b]) })
}

func (a *app) revoke(c *cli.Context) error {
	name, err := oneName(c, "revoke")
	if err != nil {
		return err
	}
	reason, ok := acme.Reasons[c.String("reason")]
	if !ok {
		return hint.Wrap(cmdline.Usagef("revoke: unknown reason %q", c.String("reason")), "reasons: "+strings.Join(reasonNames(), ", "))
	}
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	cert, err := issued(store.Open(cfg.Paths.ACME), name)
	if err != nil {
		return err
	}
	g, err := revokable(c, cfg, cert)
	if err != nil {
		return err
	}
	client, err := a.acmeClient(c, cfg, cfg.Paths.ACME)
	if err != nil {
		return err
	}
	if err := a.confirm(c, fmt.Sprintf("revoke generation %d of %s?", g.Number, term.Escape(name))); err != nil {
		return err
	}
	run := a.storeConfig(c, cfg)
	run.Client = client
	if err := renewal.Revoke(c.Context, run, g, reason); err != nil {
		return err
	}
	return a.printRevoked(c, cfg, cert, g)
}

func (a *app) printRevoked(c *cli.Context, cfg *config.Config, cert store.Certificate, g store.Generation) error {
	if a.json(c) {
		return a.printJSON(map[string]any{"name": cert.Name, "generation": g.Number, "serial": g.Serial(), "reason": c.String("reason")})
	}
	fmt.Fprintf(a.stdout, "%s: generation %d (serial %s) is revoked\n", term.Escape(cert.Name), g.Number, g.Serial())
	if g.Number != cert.Served.Number { // nobody sees it
		return nil
	}
	again := "`tlskeeper renew`"
	if _, configured := cfg.Certificate(cert.Name); !configured {
		again = "renew handles only the configuration's; `" + term.Escape(viewOf(cert).Again()) + "`"
	}
	fmt.Fprintf(a.stderr, "hint: %s gets another one, with a new key\n", again)
	return nil
}

// revokable is the generation that the flag names, or the newest.
func revokable(c *cli.Context, cfg *config.Config, cert store.Certificate) (store.Generation, error) {
	if !c.IsSet("generation") {
		return cert.Latest, nil
	}
	g, err := store.Open(cfg.Paths.ACME).Generation(cert.Name, c.Int("generation"))
	if err != nil {
		return g, hint.Wrap(cmdline.Usagef("revoke: %s has no generation %d on this host", term.Escape(cert.Name), c.Int("generation")),
			"they are below "+filepath.Join(cfg.Paths.ACME, "certs", cert.Name, "gen"))
	}
	return g, nil
}
