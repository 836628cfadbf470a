package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/setup"
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
	var rows [][3]string
	for _, v := range cfg.Values() {
		rows = append(rows, [3]string{v.Key, term.Escape(v.String()), term.Escape(v.Origin)})
	}
	writeValues(a.stdout, screenWidth(a.stdout), rows)
	for _, p := range pathValues(cfg.Paths) {
		fmt.Fprintf(a.stdout, "# directory %-6s  %s\n", p[0], term.Escape(p[1]))
	}
	return nil
}

// writeValues writes keys, values and origins in columns. Where the terminal is
// too narrow for that, an origin comes right behind its value, or on a line of
// its own. Width 0 is without limit.
func writeValues(w io.Writer, width int, rows [][3]string) {
	keys := 0
	for _, r := range rows {
		keys = max(keys, utf8.RuneCountInString(r[0]))
	}
	fits := func(at int, origin string) bool { return width == 0 || at+utf8.RuneCountInString(origin) <= width }
	lines, column := make([][2]string, len(rows)), 0
	for i, r := range rows {
		lines[i] = [2]string{fmt.Sprintf("%-*s  = %s  ", keys, r[0], r[1]), "# " + r[2]}
		if end := utf8.RuneCountInString(lines[i][0]); fits(end, lines[i][1]) {
			column = max(column, end)
		}
	}
	for _, l := range lines {
		switch end := utf8.RuneCountInString(l[0]); {
		case fits(max(column, end), l[1]):
			fmt.Fprintf(w, "%-*s%s\n", column, l[0], l[1])
		case fits(end, l[1]):
			fmt.Fprintln(w, l[0]+l[1])
		default:
			fmt.Fprintf(w, "%s\n    %s\n", strings.TrimRight(l[0], " "), l[1])
		}
	}
}

func pathValues(p config.Paths) [][2]string {
	return [][2]string{{"etc", p.Etc}, {"acme", p.ACME}, {"apache", p.Apache}, {"log", p.Log}, {"run", p.Run}}
}

func (a *app) configCheck(c *cli.Context) error {
	paths := config.PathsFor(c.String("root"))
	file := cmp.Or(c.String("config"), paths.ConfigFile())
	cfg, problems := config.Problems(file, paths)
	if len(problems) == 0 {
		problems = untrusted(cfg)
	}
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

// untrusted is what the configuration names and others may change, as `check`
// has it.
func untrusted(cfg *config.Config) []*config.Error {
	var problems []*config.Error
	for _, f := range setup.CheckTrust(cfg) {
		problems = append(problems, &config.Error{File: cfg.File, Msg: f.Subject + ": " + f.Message, Hint: f.Hint})
	}
	return problems
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
