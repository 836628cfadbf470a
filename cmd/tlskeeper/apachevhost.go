package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) apacheVHostCommand() *cli.Command {
	return &cli.Command{
		Name:      "vhost",
		Usage:     "write a complete TLS virtual host for a certificate",
		ArgsUsage: "NAME",
		UsageText: "tlskeeper apache vhost www.example.org --document-root /var/www/html\ntlskeeper apache vhost app.example.org --proxy http://127.0.0.1:3000/",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "document-root", Usage: "serve the files of `DIR`"},
			&cli.StringFlag{Name: "proxy", Usage: "pass everything to `URL`"},
			&cli.StringFlag{Name: "name", Usage: "call the host `NAME`; normally the certificate's first name that is no wildcard"},
			&cli.StringFlag{Name: "address", Usage: "listen on `ADDRESS`", Value: "*:443"},
		}, confirmFlags()...),
		Action: func(c *cli.Context) error { return a.apacheChange(c, a.newVHost, a.applyPlan) },
	}
}

// newVHost is the change of vhost: what stands on the command line is looked at
// before the certificate is.
func (a *app) newVHost(c *cli.Context, cfg *config.Config) (apacheconf.Change, error) {
	v := apacheconf.NewVHost{Name: c.Args().First(), Names: []string{"localhost"}, Address: c.String("address"),
		DocumentRoot: c.String("document-root"), Proxy: c.String("proxy")}
	if c.NArg() != 1 || v.DocumentRoot != "" && v.Proxy != "" {
		return apacheconf.Change{}, hint.Wrap(cmdline.Usagef("apache vhost: want one certificate name, and --document-root or --proxy"), "tlskeeper apache vhost --help")
	}
	if err := v.Check(); err != nil {
		return apacheconf.Change{}, hint.Wrap(cmdline.Usagef("apache vhost: %v", err), "tlskeeper apache vhost --help")
	}
	g, err := store.Open(cfg.Paths.ACME).Serving(v.Name)
	if err != nil {
		return apacheconf.Change{}, hint.Wrap(fmt.Errorf("apache vhost: certificate %s was not issued yet", term.Escape(v.Name)), "tlskeeper issue "+v.Name)
	}
	if v.Names, err = hostNames(g, c.String("name")); err != nil {
		return apacheconf.Change{}, err
	}
	if _, revoked, err := generations(cfg); err != nil {
		return apacheconf.Change{}, err
	} else if slices.Contains(revoked, v.Name) {
		return apacheconf.Change{}, revokedError(v.Name)
	}
	return apacheconf.Change{Generations: map[string]string{v.Name: g.Dir}, AllowRestart: c.Bool("allow-restart"), VHost: &v}, nil
}

// hostNames are the names of the virtual host: the one that was asked for, if
// the certificate is valid for it, and all of the certificate.
func hostNames(g store.Generation, first string) ([]string, error) {
	names := g.Leaf.DNSNames
	isWildcard := func(n string) bool { return strings.HasPrefix(n, "*") }
	if first == "" {
		if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !isWildcard(n) }) {
			return nil, hint.Wrap(cmdline.Usagef("apache vhost: certificate %s has wildcards alone (%s), and a virtual host needs a plain name: --name", term.Escape(g.Name), strings.Join(names, ", ")),
				"tlskeeper apache vhost "+g.Name+" --name "+strings.Replace(names[0], "*", "www", 1))
		}
		return names, nil
	}
	if isWildcard(first) || g.Leaf.VerifyHostname(first) != nil {
		return nil, cmdline.Usagef("apache vhost: certificate %s is not valid for the name %.80q, only for %s", term.Escape(g.Name), first, strings.Join(names, ", "))
	}
	rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.EqualFold(n, first) })
	return append([]string{first}, rest...), nil
}
