package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/table"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show certificates and agent, and what is wrong with them",
		UsageText: "tlskeeper status\ntlskeeper status --json",
		Description: "Reads what renewal and agent published; needs no root and no network. Exit\n" +
			"status 3 when a certificate is near its end or not deployed, or when the agent\n" +
			"does not run, cannot store, has little room, or has not shipped for long.",
		Action: a.status,
	}
}

func (a *app) status(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	now := time.Now()
	report, err := status.Look(cfg.Paths.ACME, cfg.Paths.Log, wanted(cfg), now)
	if err != nil {
		return err
	}
	report.Findings = append(report.Findings, a.cutOff(c, cfg)...)
	if a.json(c) {
		err = a.printJSON(report)
	} else {
		printStatus(a.stdout, report, now)
	}
	if err == nil && len(report.Findings) > 0 {
		return errFindings
	}
	return err
}

// wanted lists the certificates of the configuration; never nil.
func wanted(cfg *config.Config) []string {
	names := []string{}
	for _, cert := range cfg.Certificates {
		names = append(names, cert.Name)
	}
	return names
}

func printStatus(w io.Writer, r status.Report, now time.Time) {
	if r.State != nil && len(r.State.Certificates) > 0 {
		printCertificates(w, r.State.Certificates)
	} else {
		fmt.Fprintln(w, "no certificates (tlskeeper issue gets them)")
	}
	fmt.Fprintln(w)
	switch {
	case r.Agent != nil:
		printAgent(w, *r.Agent, now)
	case r.AgentHidden:
		fmt.Fprintln(w, "the agent's state is for root and the group adm")
	default:
		fmt.Fprintln(w, "no agent has run here")
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	for _, f := range r.Findings {
		f.Message = firstLine(f.Message)
		printFinding(w, f)
	}
}

func printCertificates(w io.Writer, certs []status.Certificate) {
	var rows [][]string
	for _, c := range certs {
		since := moment(c.DeployedAt)
		if c.KeyElsewhere {
			since = keyElsewhere
		}
		rows = append(rows, []string{term.Escape(c.Name), term.Escape(strings.Join(c.Names, " ")), term.Escape(c.KeyType), term.Escape(c.Issuer),
			day(c.NotAfter), day(c.RenewAt), strconv.Itoa(c.Generation), since})
	}
	table.Write(w, screenWidth(w), []string{"CERTIFICATE", "NAMES", "KEY", "ISSUER", "EXPIRES", "RENEWAL", "GENERATION", "SERVED SINCE"}, rows)
}

func printAgent(w io.Writer, a status.Agent, now time.Time) {
	var lines [][2]string
	add := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if age := status.Ago(now.Sub(a.WrittenAt)); a.PID == 0 {
		add("agent", "stopped %s ago", age)
	} else {
		add("agent", "pid %d, since %s, as of %s ago", a.PID, moment(a.StartedAt), age)
	}
	add("lines", "%d stored since the start, %d not in the log's format, last %s", a.Lines, a.Unparsed, moment(a.LastLineAt))
	if a.Destination == "" {
		add("shipping", "off: lines stay on this host")
	} else {
		add("shipping", "%d accepted, %d rejected, %d waiting, last %s, to %s",
			a.Shipped, a.Rejected, a.Backlog, moment(a.LastShipAt), term.Escape(a.Destination))
	}
	add("database", "%s", databaseSize(a))
	if a.LastError != "" {
		add("trouble", "%s, last at %s", term.Escape(a.LastError), moment(a.LastErrorAt))
	}
	for _, f := range a.Files {
		add("file", "%s at %d of %d bytes", term.Escape(f.Path), f.Offset, f.Size)
	}
	table.Pairs(w, lines)
}

// databaseSize is in MiB, as max_size is.
func databaseSize(a status.Agent) string {
	text := fmt.Sprintf("%d MiB", a.DatabaseBytes>>20)
	if a.DatabaseMost > 0 {
		text += fmt.Sprintf(" of %d MiB", a.DatabaseMost>>20)
	}
	return text + fmt.Sprintf(", and %d MiB of write-ahead log", a.WALBytes>>20)
}

// printFinding writes a finding and, below it, what to type.
func printFinding(w io.Writer, f status.Finding) {
	message := strings.ReplaceAll(cmdline.EscapeLines(f.Message), "\n", "\n      ")
	fmt.Fprintf(w, "%-4s  %s: %s\n", f.Severity, term.Escape(f.Subject), message)
	if f.Hint != "" {
		fmt.Fprintf(w, "      hint: %s\n", term.Escape(f.Hint))
	}
}

func day(t time.Time) string { return formatTime(t, time.DateOnly) }

func moment(t time.Time) string { return formatTime(t, time.DateTime) }

func formatTime(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(layout)
}
