package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// version is set by the release build (-ldflags -X main.version=...).
var version string

// app is one run of the program with its three streams.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	asJSON         bool     // for the last error only; commands ask json(c)
	args           []string // as they were typed
	handed         *handed  // by root, whose work this process does; else nil
}

// run does what args say and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	err := a.do(ctx, args)
	report(a.stderr, err, a.asJSON)
	return exitCode(err)
}

func (a *app) do(ctx context.Context, args []string) error {
	if len(args) > 1 && args[1] == ownerWord {
		if err := a.takeHanded(); err != nil {
			return err
		}
		args = append([]string{args[0]}, args[2:]...)
		if a.handed.Question != "" {
			return a.answerRoot(ctx)
		}
	}
	a.args = args
	tool := a.newApp()
	return tool.RunContext(ctx, cmdline.Normalize(tool, args))
}

// newApp builds the whole command tree.
func (a *app) newApp() *cli.App {
	tool := &cli.App{
		Name:                 "tlskeeper",
		Usage:                "modern TLS for one Apache host, and proof that it works",
		UsageText:            helpExamples,
		Description:          helpOrder,
		Flags:                globalFlags(),
		Commands:             a.commands(),
		Reader:               a.stdin,
		Writer:               a.stdout,
		ErrWriter:            a.stderr,
		HideVersion:          true, // its -v would be ours; --version below
		HideHelpCommand:      true,
		Before:               a.before,
		Action:               a.bare,
		OnUsageError:         cmdline.OnUsageError,
		ExitErrHandler:       func(*cli.Context, error) {}, // exit codes are chosen in exit.go only
		EnableBashCompletion: true,
	}
	for _, c := range tool.Commands {
		cmdline.Settle(c, "tlskeeper")
	}
	tool.CustomAppHelpTemplate = cmdline.AsTemplate(cmdline.WholeHelpText(tool))
	return tool
}

// commands lists every command, in the order of their use.
func (a *app) commands() []*cli.Command {
	return slices.DeleteFunc([]*cli.Command{
		a.setupCommand(), a.issueCommand(), a.renewCommand(), a.certsCommand(), a.revokeCommand(), a.accountCommand(), a.importCertbotCommand(),
		a.apacheCommand(), a.scanCommand(), a.agentCommand(), a.tailCommand(), a.importCommand(),
		a.queryCommand(), a.statusCommand(), a.checkCommand(), a.configCommand(), a.completionCommand(), a.completeCommand(),
	}, func(c *cli.Command) bool { return c == nil })
}

const helpExamples = `tlskeeper setup                         # first run: writes the configuration
tlskeeper apache apply --log-only       # measure first: the TLS log alone
tlskeeper agent                         # follow the log (systemd runs this)
tlskeeper query ciphers                 # what do clients really negotiate?
tlskeeper apache plan                   # what would hardening change, cost?
tlskeeper issue                         # get the configured certificates
tlskeeper apache adopt www.example.org  # let a vhost serve our certificate
tlskeeper apache apply                  # prove, install, reload, check
tlskeeper renew                         # from a timer or cron
tlskeeper status                        # does it all hold?`

const helpOrder = `The order is: measure what clients negotiate, then harden, then see that it
holds. Flags work before and after arguments. The answer goes to standard
output, everything else to standard error. Exit status: 0 done, 1 failed with
nothing half-changed, 2 usage or configuration, 3 findings, 4 issued but not
deployed, 5 locked by another run, 6 refused, 7 applied and rolled back,
130 interrupted. tlskeeper(8) has the rest.`

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "read the configuration from `FILE`", EnvVars: []string{"TLSKEEPER_CONFIG"}},
		&cli.StringFlag{Name: "root", Usage: "keep all files of ours under `DIR` (for trials)", EnvVars: []string{"TLSKEEPER_ROOT"}},
		&cli.BoolFlag{Name: "json", Usage: "answer in JSON"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say more on standard error"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say only what went wrong"},
		&cli.BoolFlag{Name: "version", Usage: "print the version"},
	}
}

func (a *app) before(c *cli.Context) error {
	a.asJSON = c.Bool("json")
	if c.Bool("verbose") && c.Bool("quiet") {
		return cmdline.Usagef("--verbose and --quiet exclude each other")
	}
	return nil
}

// bare is what a call without a known command gets.
func (a *app) bare(c *cli.Context) error {
	if c.Bool("version") {
		_, err := fmt.Fprintln(a.stdout, "tlskeeper", versionText())
		return err
	}
	if c.Args().Present() {
		return cmdline.UnknownCommand(c.Args().First(), "tlskeeper", c.App.Commands, c.App.Commands)
	}
	cli.HelpPrinter(a.stderr, c.App.CustomAppHelpTemplate, c.App)
	return cmdline.Usagef("which command?")
}

// config reads the configuration that the global flags name.
func (a *app) config(c *cli.Context) (*config.Config, error) {
	return config.Load(c.String("config"), c.String("root"))
}

// configOrDefault is for commands that can do without a file.
func (a *app) configOrDefault(c *cli.Context) (*config.Config, error) {
	if a.handed != nil && a.handed.Database != "" {
		return a.handed.config(a.paths(c)), nil
	}
	return config.LoadOrDefault(c.String("config"), c.String("root"))
}

// paths tells where files live, also where there is no configuration yet.
func (a *app) paths(c *cli.Context) config.Paths {
	return config.PathsFor(c.String("root"))
}

// log is the talk on standard error: warnings, or more and less as asked.
func (a *app) log(c *cli.Context) *slog.Logger {
	level := slog.LevelInfo
	if c.Bool("verbose") {
		level = slog.LevelDebug
	}
	if c.Bool("quiet") {
		level = slog.LevelWarn
	}
	return cmdline.NewTalk(a.stderr, level)
}

func (a *app) json(c *cli.Context) bool { return c.Bool("json") }

// printJSON writes one indented value, harmless for a terminal.
func (a *app) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, term.EscapeJSON(string(text)))
	return err
}

func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown version)"
	}
	return info.Main.Version
}
