package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
	"tlskeeper/logship/live"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) tailCommand() *cli.Command {
	return &cli.Command{
		Name:      "tail",
		Usage:     "watch the TLS log live, with filters and counts",
		ArgsUsage: "[FILE]",
		UsageText: `tlskeeper tail
tlskeeper tail --protocol TLSv1.2 --vhost www.example.org
tlskeeper tail --client 192.0.2.0/24 --cipher CBC
tlskeeper tail -n 1000 --no-follow --raw
tlskeeper tail --no-follow --json /var/log/apache2/tls.log.1`,
		Description: "Shows the last lines and then new ones, until Ctrl-C. It is for eyes: it may miss\n" +
			"lines when the log is rotated, and keeps nothing. tlskeeper query has the past.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Usage: "begin with the last `N` lines", Value: 10},
			&cli.BoolFlag{Name: "no-follow", Usage: "end at the end of the log"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f", "F"}, Usage: "go on with new lines, as is the rule", Hidden: true},
			&cli.BoolFlag{Name: "raw", Usage: "show lines as they stand in the log"},
			&cli.StringFlag{Name: "vhost", Usage: "only requests to `NAME`"},
			&cli.StringFlag{Name: "protocol", Usage: "only requests over `VERSION`, such as TLSv1.2"},
			&cli.StringFlag{Name: "cipher", Usage: "only requests with `PART` in the name of the cipher"},
			&cli.StringFlag{Name: "client", Usage: "only requests from `ADDRESS` or network"},
		},
		Action: a.tail,
	}
}

func (a *app) tail(c *cli.Context) error {
	conf := live.Config{
		Lines: c.Int("lines"), Follow: !c.Bool("no-follow"),
		Filter: live.Filter{
			VHost: c.String("vhost"), Protocol: c.String("protocol"), Cipher: c.String("cipher"), Client: c.String("client"),
		},
		Out: a.stdout, Talk: a.stderr,
		Running: term.IsTerminal(a.stdout) && term.IsTerminal(a.stderr),
		Width:   func() int { return screenWidth(a.stdout) },
	}
	if conf.Lines < 0 {
		return cmdline.Usagef("tail: --lines cannot be %d", conf.Lines)
	}
	if err := checkFilter(conf.Filter); err != nil {
		return err
	}
	if err := conf.Filter.Check(); err != nil {
		return hint.Wrap(cmdline.Usagef("tail: %v", err), "tlskeeper tail --client 192.0.2.7; a name has dots, and is in the log with HostnameLookups only")
	}
	if c.Bool("raw") {
		conf.Form = live.Raw
	}
	if a.json(c) {
		conf.Form = live.JSON
	}
	var err error
	if conf.Path, err = a.tailed(c); err != nil {
		return err
	}
	return live.Show(c.Context, conf)
}

// protocols are the words that mod_ssl writes.
var protocols = []string{"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3", "-"}

// checkFilter refuses what no line can match: a filter that finds nothing
// looks like a host without visitors.
func checkFilter(f live.Filter) error {
	same := func(p string) bool { return strings.EqualFold(p, f.Protocol) }
	if f.Protocol == "" || slices.ContainsFunc(protocols, same) || strings.EqualFold(f.Protocol, "TLSv1.0") {
		return nil
	}
	near := strings.ToLower(f.Protocol)
	if rest, ok := strings.CutPrefix(near, "tls"); ok { // tls12, tls1.2, tlsv12
		digits := strings.TrimLeft(strings.ReplaceAll(rest, ".", ""), "v-_ ")
		for _, p := range protocols {
			if strings.ReplaceAll(strings.TrimPrefix(p, "TLSv"), ".", "") == digits {
				return hint.Wrap(cmdline.Usagef("tail: there is no protocol %q", f.Protocol), "did you mean --protocol "+p+"?")
			}
		}
	}
	return hint.Wrap(cmdline.Usagef("tail: there is no protocol %q", f.Protocol), "one of "+strings.Join(protocols[:5], ", "))
}

// tailed is the log that was named, or the first one that the agent follows.
func (a *app) tailed(c *cli.Context) (string, error) {
	switch c.NArg() {
	case 0:
		cfg, err := a.configOrDefault(c)
		if err != nil {
			return "", err
		}
		return cfg.Agent.Logs[0], nil
	case 1:
		return c.Args().First(), nil
	}
	return "", hint.Wrap(cmdline.Usagef("tail: one log at a time"), "tlskeeper tail "+c.Args().First())
}
