package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"tlskeeper/internal/config"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"
)

func (a *app) configCommand() *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "print an example configuration, or what is in force",
		UsageText: "tlskeeper config example > /etc/tlskeeper/config.toml\ntlskeeper config show\ntlskeeper config check",
		Subcommands: []*cli.Command{
			{
				Name:      "example",
				Usage:     "print an annotated configuration with every key",
				UsageText: "tlskeeper config example\ntlskeeper config example > /etc/tlskeeper/config.toml",
				Action:    a.configExample,
			},
			{
				Name:        "show",
				Usage:       "print every value in force and where it came from",
				UsageText:   "tlskeeper config show\ntlskeeper config show --json",
				Description: "A flag wins over the environment, the environment over the file, the file over\nthe default. Secrets are not in the configuration, only paths of them.",
				Action:      a.configShow,
			},
			{
				Name:        "check",
				Usage:       "say everything that is wrong with the configuration file",
				UsageText:   "tlskeeper config check\ntlskeeper config check --config ./new.toml",
				Description: "Exit status 2 when something is wrong.",
				Action:      a.configCheck,
			},
		},
	}
}

func (a *app) configExample(c *cli.Context) error {
	_, err := fmt.Fprint(a.stdout, config.Example)
	return err
}

func (a *app) configShow(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	if a.json(c) {
		return a.printJSON(map[string]any{"file": cfg.File, "paths": cfg.Paths, "values": cfg.Values()})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	for _, v := range cfg.Values() {
		fmt.Fprintf(w, "%s\t= %s\t# %s\n", v.Key, term.Escape(v.String()), term.Escape(v.Origin))
	}
	for _, p := range pathValues(cfg.Paths) {
		fmt.Fprintf(w, "# directory %s\t%s\t\n", p[0], term.Escape(p[1]))
	}
	return w.Flush()
}

func pathValues(p config.Paths) [][2]string {
	return [][2]string{{"etc", p.Etc}, {"acme", p.ACME}, {"apache", p.Apache}, {"log", p.Log}, {"run", p.Run}}
}

func (a *app) configCheck(c *cli.Context) error {
	paths := config.PathsFor(c.String("root"))
	file := cmp.Or(c.String("config"), paths.ConfigFile())
	cfg, problems := config.Problems(file, paths)
	if a.json(c) {
		a.printJSON(map[string]any{"file": file, "problems": append([]*config.Error{}, problems...)})
	} else if len(problems) == 0 {
		fmt.Fprintf(a.stdout, "%s: ok, certificates: %d\n", term.Escape(file), len(cfg.Certificates))
	}
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return hint.Wrap(problems[0], problems[0].Hint)
	}
	a.printProblems(c, problems)
	return &config.Error{File: file, Msg: fmt.Sprintf("%d problems", len(problems))}
}

func (a *app) printProblems(c *cli.Context, problems []*config.Error) {
	if a.json(c) {
		return
	}
	for _, p := range problems {
		fmt.Fprintln(a.stderr, term.Escape(p.Error()))
		if p.Hint != "" {
			fmt.Fprintln(a.stderr, "  hint:", term.Escape(p.Hint))
		}
	}
}
