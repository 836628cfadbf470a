package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf/probe"
	"tlskeeper/internal/hint"
	"tlskeeper/templates"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) scanCommand() *cli.Command {
	return &cli.Command{
		Name:      "scan",
		Usage:     "find out what a TLS server really does, and grade it",
		ArgsUsage: "HOST[:PORT]",
		UsageText: "tlskeeper scan www.example.org\n" +
			"tlskeeper scan 127.0.0.1:8443 --sni www.example.org --ca ca.pem\n" +
			"tlskeeper scan www.example.org:443 --profile intermediate --json",
		Description: "Shows versions, suites, groups, certificates, headers and the grade that SSL\n" +
			"Labs' guide gives, with and without regard to trust. With --profile every\n" +
			"difference from the profile is a finding, and findings end in exit status 3.\n" +
			"Silence is not a no: a server that stops answering is asked again, slowly, for\n" +
			"a minute at most. What it leaves open is listed, ends in exit status 1, and\n" +
			"takes the grade away where it decides it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "sni", Usage: "ask for `NAME` instead of HOST"},
			&cli.StringFlag{Name: "ca", Usage: "also trust the CA certificates in `FILE`"},
			&cli.StringFlag{Name: "http", Usage: "ask the plain HTTP port `PORT` for its redirect (default: 80 when the TLS port is 443)"},
			&cli.StringFlag{Name: "ct-logs", Usage: "judge SCTs by Google's log list (version 3) in `FILE`"},
			&cli.BoolFlag{Name: "slow", Usage: "make one connection a second, for ten minutes at most, for a firewall that counts them"},
			&cli.StringFlag{Name: "profile", Usage: "check against the profile `NAME` (" + strings.Join(templates.ProfileNames(), ", ") + ")"},
		},
		Action: a.scan,
	}
}

// scanAnswer is the JSON form of a scan.
type scanAnswer struct {
	*probe.Report
	Profile  string          `json:"profile,omitempty"`
	Findings []probe.Finding `json:"findings"`
}

func (a *app) scan(c *cli.Context) error {
	if c.NArg() != 1 {
		return hint.Wrap(cmdline.Usagef("scan: want one HOST or HOST:PORT"), "tlskeeper scan www.example.org")
	}
	target, err := scanTarget(c)
	if err != nil {
		return err
	}
	var profile *probe.Profile
	if name := c.String("profile"); name != "" {
		if profile, err = scanProfile(name); err != nil {
			return err
		}
	}
	report, err := probe.Scan(c.Context, target)
	if err != nil {
		return err
	}
	return a.printScan(c, report, profile)
}

// scanTarget is where to and by what to judge, of the command line.
func scanTarget(c *cli.Context) (probe.Target, error) {
	target, err := probe.NewTarget(c.Args().First(), c.String("sni"))
	if err != nil {
		return target, cmdline.Usagef("scan: %v", err)
	}
	if c.Bool("slow") {
		target.Pace = probe.SlowPace()
	}
	if port := c.String("http"); port != "" {
		if target, err = target.WithHTTPPort(port); err != nil {
			return target, cmdline.Usagef("scan: --http: %v", err)
		}
	}
	if file := c.String("ca"); file != "" {
		if target.Roots, err = probe.LoadRoots(file); err != nil {
			return target, err
		}
	}
	if file := c.String("ct-logs"); file != "" {
		target.Logs, err = probe.LoadLogs(file)
	}
	return target, err
}

func (a *app) printScan(c *cli.Context, report *probe.Report, profile *probe.Profile) error {
	answer := scanAnswer{Report: report, Findings: []probe.Finding{}}
	if profile != nil {
		answer.Profile = profile.Name
		answer.Findings = append(answer.Findings, report.Check(*profile)...)
	}
	if err := a.writeScan(c, answer); err != nil {
		return err
	}
	switch {
	case report.Incomplete:
		return leftOpen(report)
	case len(answer.Findings) > 0:
		return errFindings
	}
	return nil
}

// leftOpen says that the scan has not learnt all it asked; what is missing is
// printed already.
func leftOpen(r *probe.Report) error {
	text := fmt.Sprintf("scanning %s: %d of its answers are not known", r.Addr, len(r.Unknown))
	if !r.Graded() {
		text += ", so there is no grade"
	}
	return hint.Wrap(errors.New(text), r.Next)
}

func (a *app) writeScan(c *cli.Context, answer scanAnswer) error {
	if a.json(c) {
		return a.printJSON(answer)
	}
	if err := answer.WriteText(a.stdout); err != nil {
		return err
	}
	if answer.Profile == "" {
		return nil
	}
	fmt.Fprintln(a.stdout)
	return probe.WriteFindings(a.stdout, answer.Profile, answer.Findings)
}

// scanProfile makes a policy to check against of one that we would write.
func scanProfile(name string) (*probe.Profile, error) {
	for _, p := range templates.Profiles() {
		if p.Name != name {
			continue
		}
		profile, err := probe.NewProfile(p.Name, p.Protocol, p.Suites12, p.Suites13, p.Groups, p.ServerOrder)
		return &profile, err
	}
	return nil, hint.Wrap(cmdline.Usagef("scan: unknown profile %q", name), "profiles: "+strings.Join(templates.ProfileNames(), ", "))
}
