package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/setup"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/hint"
)

func (a *app) checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Aliases:   []string{"doctor"},
		Usage:     "look at everything that could be wrong on this host",
		UsageText: "tlskeeper check\ntlskeeper doctor --json",
		Description: "Configuration, Apache, directories, keys, programs, certificates, log database,\n" +
			"agent, disk:\n" +
			"one line each. Changes nothing. Exit status 3 when something is not ok.",
		Action: a.check,
	}
}

func (a *app) check(c *cli.Context) error {
	findings, err := a.lookAround(c)
	if err != nil {
		return err
	}
	if a.json(c) {
		if err := a.printJSON(map[string]any{"findings": findings}); err != nil {
			return err
		}
	}
	worst := false
	for _, f := range findings {
		bad := f.Severity != status.OK
		worst = worst || bad
		if !a.json(c) && (bad || !c.Bool("quiet")) {
			printFinding(a.stdout, f)
		}
	}
	if worst {
		return errFindings
	}
	return nil
}

// lookAround gathers findings. A broken configuration is one of them, and the
// rest is then judged by the defaults.
func (a *app) lookAround(c *cli.Context) ([]status.Finding, error) {
	var findings []status.Finding
	cfg, err := a.configOrDefault(c)
	e, broken := errors.AsType[*config.Error](err)
	if broken {
		findings = append(findings, status.Finding{Severity: status.Fail, Subject: "configuration", Message: e.Error(), Hint: hint.Of(err)})
		cfg = config.Default(a.paths(c))
	} else if err != nil {
		return nil, err
	} else {
		findings = append(findings, fromSetup(setup.CheckConfig(cfg))...)
	}
	findings = append(findings, fromSetup(setup.CheckHost(cfg))...)
	findings = append(findings, a.cutOff(c, cfg)...)
	findings = append(findings, a.checkApache(c, cfg)...)
	findings = append(findings, a.checkDatabase(c.Context, cfg.Agent.Database)...)
	names := wanted(cfg)
	if broken {
		names = nil
	}
	published, err := checkPublished(cfg.Paths, names)
	return append(findings, published...), err
}

func fromSetup(found []setup.Finding) []status.Finding {
	var findings []status.Finding
	for _, f := range found {
		findings = append(findings, status.Finding{Severity: status.Severity(f.Severity), Subject: f.Subject, Message: f.Message, Hint: f.Hint})
	}
	return findings
}

func (a *app) checkApache(c *cli.Context, cfg *config.Config) []status.Finding {
	server, err := apacheconf.Discover(c.Context, a.apacheConfig(c, cfg))
	if err != nil {
		return []status.Finding{{Severity: status.Fail, Subject: "apache", Message: err.Error(), Hint: hint.Of(err)}}
	}
	f := status.Finding{Severity: status.OK, Subject: "apache", Message: server.Version + " with OpenSSL " + server.OpenSSL + ", " + server.ConfigFile}
	if !server.Has("ssl_module") {
		f = status.Finding{Severity: status.Fail, Subject: "apache", Message: server.Version + " without mod_ssl", Hint: "a2enmod ssl, or dnf install mod_ssl"}
	}
	if err := server.Running(); err != nil {
		return []status.Finding{f, {Severity: status.Fail, Subject: "apache", Message: err.Error(), Hint: hint.Of(err)}}
	}
	return []status.Finding{f}
}

// checkDatabase says why the agent cannot open its database, and queries cannot.
// That there is none yet, or that it is for others to read, is no fault of it.
func (a *app) checkDatabase(ctx context.Context, path string) []status.Finding {
	err := a.databaseState(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		return nil
	case err != nil:
		return []status.Finding{{Severity: status.Fail, Subject: "log database", Message: err.Error(), Hint: hint.Of(err)}}
	}
	return []status.Finding{{Severity: status.OK, Subject: "log database", Message: path}}
}

// cutOff finds a change of Apache that a kill or a power failure cut off, where
// this user may look: it can have left no Apache at all.
func (a *app) cutOff(c *cli.Context, cfg *config.Config) []status.Finding {
	if !apacheconf.CutOff(a.apacheConfig(c, cfg)) {
		return nil
	}
	return []status.Finding{{Severity: status.Fail, Subject: "apache", Message: "a change was cut off, and is not undone yet",
		Hint: "`tlskeeper renew` undoes it first, `tlskeeper apache rollback` undoes it alone"}}
}

// checkPublished judges what renewal and agent published, and says so where
// there is nothing to criticize.
func checkPublished(paths config.Paths, names []string) ([]status.Finding, error) {
	report, err := status.Look(paths.ACME, paths.Log, names, time.Now())
	if err != nil {
		return nil, err
	}
	findings := report.Findings
	if len(findings) == 0 && report.State != nil {
		findings = append(findings, status.Finding{Severity: status.OK, Subject: "certificates", Message: "issued, served, not near their end"})
	}
	return append(findings, agentFindings(report)...), nil
}

func agentFindings(r status.Report) []status.Finding {
	f := status.Finding{Severity: status.OK, Subject: "agent"}
	switch {
	case r.AgentHidden:
		f.Severity, f.Message, f.Hint = status.Warn, "its state is for root and the group adm", "run it as root"
	case r.Agent == nil:
		f.Severity, f.Message, f.Hint = status.Warn, "has never run here", "systemctl enable --now tlskeeper"
	case r.About("agent"):
		return nil
	case r.Agent.LastErrorAt.After(r.Agent.LastShipAt) && r.Agent.Backlog > 0:
		f.Severity, f.Hint = status.Warn, "journalctl -u tlskeeper"
		f.Message = fmt.Sprintf("%d lines wait to be shipped: %s", r.Agent.Backlog, r.Agent.LastError)
	default:
		f.Message = fmt.Sprintf("pid %d, %d lines wait to be shipped", r.Agent.PID, r.Agent.Backlog)
	}
	return []status.Finding{f}
}
