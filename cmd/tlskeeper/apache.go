package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"

	"tlskeeper/templates"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// costDays is how far back a plan looks for what it would cost.
const costDays = 30

func (a *app) apacheCommand() *cli.Command {
	return &cli.Command{
		Name:  "apache",
		Usage: "log, harden, and check the Apache of this host, and undo it",
		UsageText: "tlskeeper apache apply --log-only\ntlskeeper apache plan\ntlskeeper apache adopt www.example.org\n" +
			"tlskeeper apache apply\ntlskeeper apache status",
		Subcommands: []*cli.Command{
			a.apachePlanCommand(), a.apacheApplyCommand(), a.apacheAdoptCommand(),
			a.apacheVHostCommand(), a.apacheRollbackCommand(), a.apacheStatusCommand(), a.apacheUninstallCommand(),
		},
	}
}

func profileFlag() cli.Flag {
	return &cli.StringFlag{Name: "profile", Usage: "harden with the profile `NAME` instead of the configured one (" + strings.Join(templates.ProfileNames(), ", ") + ")"}
}

func logOnlyFlag() cli.Flag {
	return &cli.BoolFlag{Name: "log-only", Usage: "install the TLS log and nothing else"}
}

func confirmFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
		&cli.BoolFlag{Name: "dry-run", Usage: "show the change and make none"},
		&cli.BoolFlag{Name: "allow-restart", Usage: "stop and start Apache where a reload would not do"},
	}
}

func (a *app) apachePlanCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show what hardening would change, break and cost; change nothing",
		UsageText: "tlskeeper apache plan\ntlskeeper apache plan --profile modern\ntlskeeper apache plan --log-only --json\ntlskeeper apache plan --explain groups",
		Description: "Prints the exact difference of every file, what to know about it with file and\n" +
			"line, and how many logged requests used what the profile removes.",
		Flags: []cli.Flag{profileFlag(), logOnlyFlag(), explainFlag()},
		Action: func(c *cli.Context) error {
			if c.IsSet("explain") {
				return a.explainFinding(c)
			}
			return a.apacheChange(c, a.hardening, func(*apacheRun) error { return nil })
		},
	}
}

func (a *app) apacheApplyCommand() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		Usage:     "make the plan true: prove, install, reload, check on the wire",
		UsageText: "tlskeeper apache apply --log-only\ntlskeeper apache apply\ntlskeeper apache apply --profile modern --dry-run\ntlskeeper apache apply --yes",
		Description: "The change runs in a shadow Apache first. What does not hold on the live server\n" +
			"is undone (exit status 7). A second run touches nothing.",
		Flags:  append([]cli.Flag{profileFlag(), logOnlyFlag()}, confirmFlags()...),
		Action: func(c *cli.Context) error { return a.apacheChange(c, a.hardening, a.applyPlan) },
	}
}

func (a *app) apacheAdoptCommand() *cli.Command {
	return &cli.Command{
		Name:      "adopt",
		Usage:     "let the virtual hosts of a certificate serve ours",
		ArgsUsage: "NAME...",
		UsageText: "tlskeeper apache adopt www.example.org\ntlskeeper apache adopt --all --yes\ntlskeeper apache adopt www.example.org --dry-run",
		Description: "Exactly the certificate lines of the virtual hosts become one Include; nothing\n" +
			"else of the file changes. `tlskeeper apache rollback` puts them back.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "every certificate that was issued"},
			&cli.BoolFlag{Name: "instead", Usage: "also where another certificate of ours is served"},
		}, confirmFlags()...),
		Action: func(c *cli.Context) error { return a.apacheChange(c, a.adoption, a.applyPlan) },
	}
}

func (a *app) apacheStatusCommand() *cli.Command {
	return &cli.Command{
		Name:        "status",
		Usage:       "compare what was installed, the files, and the wire",
		UsageText:   "tlskeeper apache status\ntlskeeper apache status --json",
		Description: "Every difference is a finding, and findings end in exit status 3.",
		Action:      a.apacheStatus,
	}
}

// apacheConfig is the part of the configuration that apacheconf gets.
func (a *app) apacheConfig(c *cli.Context, cfg *config.Config) apacheconf.Config {
	return apacheconf.Config{Binary: cfg.Apache.Binary, ServerRoot: cfg.Apache.ServerRoot, ConfigFile: cfg.Apache.ConfigFile,
		EtcDir: filepath.Join(cfg.Paths.Etc, "apache"), StateDir: cfg.Paths.Apache, TLSLog: cfg.Apache.TLSLog,
		StartCommand: cfg.Apache.StartCommand, Log: a.log(c)}
}

// apacheRun is one command's way from the change to its result.
type apacheRun struct {
	c      *cli.Context
	cfg    *config.Config
	change apacheconf.Change
	server *apacheconf.Server
	plan   *apacheconf.Plan
	answer apacheAnswer
}

// apacheChange plans what the command asks for, prints it, and goes on.
func (a *app) apacheChange(c *cli.Context, what func(*cli.Context, *config.Config) (apacheconf.Change, error), then func(*apacheRun) error) (err error) {
	defer func() { err = interrupted(c.Context, err) }()
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	r := &apacheRun{c: c, cfg: cfg}
	if r.change, err = what(c, cfg); err != nil {
		return err
	}
	if r.server, err = apacheconf.Discover(c.Context, a.apacheConfig(c, cfg)); err != nil {
		return err
	}
	if r.plan, err = r.server.Plan(c.Context, r.change); err != nil {
		return err
	}
	r.answer = newApacheAnswer(r)
	if r.change.Profile != "" {
		if r.answer.Cost, err = a.cost(c.Context, cfg, r.change.Profile); err != nil {
			return err
		}
	}
	if !a.json(c) {
		r.answer.write(a.stdout)
	}
	if err := then(r); err != nil || !a.json(c) {
		return err
	}
	return a.printJSON(r.answer)
}

// hardening is the change of plan and apply: the policy, and the newest
// generation of every certificate.
func (a *app) hardening(c *cli.Context, cfg *config.Config) (apacheconf.Change, error) {
	change := apacheconf.Change{LogOnly: c.Bool("log-only"), AllowRestart: c.Bool("allow-restart")}
	if change.LogOnly {
		return change, nil
	}
	change.Profile, change.HSTS, change.Redirect = cfg.Apache.Profile, cfg.Apache.HSTS, cfg.Apache.Redirect
	if name := c.String("profile"); name != "" {
		if !slices.Contains(templates.ProfileNames(), name) {
			return change, hint.Wrap(cmdline.Usagef("apache: unknown profile %q", name), "profiles: "+strings.Join(templates.ProfileNames(), ", "))
		}
		change.Profile = name
	}
	var err error
	var revoked []string
	change.Generations, revoked, err = generations(cfg)
	for _, name := range revoked {
		a.log(c).Warn("certificate is revoked and is not installed", "name", name)
	}
	return change, err
}

// generations is what is to be served of every certificate in the store: the
// newest generation, unless the user went back from it. What was revoked is
// named apart: clients that ask would be turned away.
func generations(cfg *config.Config) (serve map[string]string, revoked []string, err error) {
	store := store.Open(cfg.Paths.ACME)
	all, err := store.List()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	serve = map[string]string{}
	for _, cert := range all {
		g, err := store.Serving(cert.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // ordered, and nothing issued yet
		}
		if err != nil {
			return nil, nil, fmt.Errorf("certificate %s: %w", term.Escape(cert.Name), err)
		}
		if slices.Contains(cert.State.Revoked, g.Number) {
			revoked = append(revoked, cert.Name)
			continue
		}
		serve[cert.Name] = g.Dir
	}
	return serve, revoked, nil
}

func (a *app) adoption(c *cli.Context, cfg *config.Config) (apacheconf.Change, error) {
	all, revoked, err := generations(cfg)
	if err != nil {
		return apacheconf.Change{}, err
	}
	names := c.Args().Slice()
	if c.Bool("all") == (len(names) > 0) {
		return apacheconf.Change{}, hint.Wrap(cmdline.Usagef("apache adopt: want certificate names, or --all"), "tlskeeper certs")
	}
	if c.Bool("all") && c.Bool("instead") {
		return apacheconf.Change{}, cmdline.Usagef("apache adopt: --instead wants the names of certificates; --all cannot tell which of two is meant")
	}
	if c.Bool("all") {
		names = slices.Sorted(maps.Keys(all))
	}
	change := apacheconf.Change{Generations: map[string]string{}, Instead: c.Bool("instead"), AllowRestart: c.Bool("allow-restart")}
	for _, name := range names {
		if slices.Contains(revoked, name) {
			return change, revokedError(name)
		}
		if all[name] == "" {
			return change, hint.Wrap(fmt.Errorf("apache adopt: certificate %s was not issued yet", term.Escape(name)), "tlskeeper issue "+name)
		}
		change.Generations[name] = all[name]
		change.Adopt = append(change.Adopt, name)
	}
	return change, nil
}

// revokedError: installing it would turn clients away.
func revokedError(name string) error {
	return hint.Wrap(&apacheconf.RefusedError{Why: "certificate " + term.Escape(name) + " is revoked"}, "tlskeeper issue "+name)
}

// cost asks the history; none is an answer too.
func (a *app) cost(ctx context.Context, cfg *config.Config, profile string) (*apacheconf.Cost, error) {
	var lines []apacheconf.CostLine
	var since, until time.Time
	costs, err := a.costs(ctx, cfg.Agent.Database, time.Now().AddDate(0, 0, -costDays))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("asking the history: %w", err)
	default:
		since, until = costs.Since, costs.Until
		for _, l := range costs.Lines {
			lines = append(lines, apacheconf.CostLine(l))
		}
	}
	cost, err := apacheconf.CostOf(profile, lines)
	cost.Since, cost.Until = since, until
	return &cost, err
}

// applyPlan asks where it may ask, and applies.
func (a *app) applyPlan(r *apacheRun) error {
	if r.c.Bool("dry-run") {
		return nil
	}
	if len(r.change.Adopt) > 0 && !r.c.Bool("all") && len(r.plan.Missing) > 0 {
		return notAdoptable(r.plan.Missing)
	}
	if len(r.plan.Blocked) == 0 && !r.plan.Empty() {
		if err := a.confirm(r.c, "apply this?"); err != nil {
			return err
		}
	}
	result, err := r.server.Apply(r.c.Context, r.plan)
	if err != nil {
		return err
	}
	r.answer.Result = result
	a.noteDeployed(r)
	if !a.json(r.c) {
		writeResult(a.stdout, result)
	}
	return nil
}

// notAdoptable says what to type where that is all it takes.
func notAdoptable(missing []apacheconf.Finding) error {
	err := error(&apacheconf.RefusedError{Why: "this cannot be adopted without a person", Findings: missing})
	if fix := missing[0].Fix; strings.HasPrefix(fix, "tlskeeper ") {
		err = hint.Wrap(err, fix)
	}
	return err
}

// noteDeployed looks at what is served by now, and publishes it. That it could
// not be noted is no failure of the apply: the next renew looks again. Where
// nothing changed and the store knows it all, no file is written.
func (a *app) noteDeployed(r *apacheRun) {
	if len(r.change.Generations) > 0 && (r.answer.Result.Changed || r.answer.Result.Healed || !knownDeployed(r)) {
		a.noteServed(r.c, r.cfg)
	}
}

// knownDeployed: what the store says of each certificate is what was found.
func knownDeployed(r *apacheRun) bool {
	store, serving := store.Open(r.cfg.Paths.ACME), r.answer.Result.Serving(r.change.Generations)
	for name := range r.change.Generations {
		cert, err := store.Certificate(name)
		if err != nil || cert.Deployed() != slices.Contains(serving, name) {
			return false
		}
	}
	return true
}

func (a *app) noteServed(c *cli.Context, cfg *config.Config) {
	if err := renewal.Confirm(c.Context, a.storeConfig(c, cfg)); err != nil {
		a.log(c).Warn("noting what is deployed failed", "err", err)
	}
}

func (a *app) apacheStatus(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	report, err := apacheconf.Status(c.Context, a.apacheConfig(c, cfg))
	if err != nil {
		return err
	}
	if a.json(c) {
		err = a.printJSON(report)
	} else {
		writeApacheStatus(a.stdout, report)
	}
	if err == nil && (len(report.Drift) > 0 || report.CutOff) {
		err = errFindings
	}
	return err
}
