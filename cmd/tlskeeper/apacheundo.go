package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/term"
)

func (a *app) apacheRollbackCommand() *cli.Command {
	return &cli.Command{
		Name:        "rollback",
		Usage:       "undo the last change, adoptions included, byte for byte",
		UsageText:   "tlskeeper apache rollback\ntlskeeper apache rollback --dry-run\ntlskeeper apache rollback --yes",
		Description: "Says first which change that is, and shows the difference. Renewed certificates\nstay: nothing points back to an old one. Browsers keep what HSTS told them.",
		Flags:       confirmFlags(),
		Action: func(c *cli.Context) error {
			return a.apacheUndo(c, undoing{question: "undo this change?", show: a.showLast, do: apacheconf.Rollback})
		},
	}
}

func (a *app) apacheUninstallCommand() *cli.Command {
	return &cli.Command{
		Name:      "uninstall",
		Usage:     "take everything of ours out of Apache; certificates stay",
		UsageText: "tlskeeper apache uninstall\ntlskeeper apache uninstall --dry-run\ntlskeeper apache uninstall --yes",
		Flags:     confirmFlags(),
		Action: func(c *cli.Context) error {
			return a.apacheUndo(c, undoing{question: "take all this out of Apache?", show: a.showRemoval, do: apacheconf.Uninstall})
		},
	}
}

// undoing is a way back: show says what it would do and gives its plan.
type undoing struct {
	question string
	show     func(*cli.Context, apacheconf.Config, apacheconf.Undo) (undoAnswer, error)
	do       func(context.Context, apacheconf.Config, apacheconf.Undo) (*apacheconf.Result, error)
}

// undoAnswer is what a dry run of a way back answers.
type undoAnswer struct {
	Started  time.Time            `json:"started,omitzero"`
	Command  string               `json:"command,omitempty"`
	CutOff   bool                 `json:"cut_off,omitempty"`
	Diff     string               `json:"diff"`
	Warnings []apacheconf.Finding `json:"warnings"`
	Blocked  []apacheconf.Finding `json:"blocked"`
}

// asks: what would be refused, or does nothing, is no question.
func (u undoAnswer) asks() bool { return len(u.Blocked) == 0 && (u.Diff != "" || u.CutOff) }

func (u *undoAnswer) add(p *apacheconf.Plan) {
	none := []apacheconf.Finding{}
	u.Warnings, u.Blocked = none, none
	if p != nil {
		u.Diff, u.Warnings, u.Blocked = p.Diff(), append(none, p.Warnings...), append(none, p.Blocked...)
	}
}

func (a *app) showLast(c *cli.Context, cfg apacheconf.Config, u apacheconf.Undo) (undoAnswer, error) {
	past, err := apacheconf.Last(c.Context, cfg, u)
	if err != nil {
		return undoAnswer{}, err
	}
	out := undoAnswer{Started: past.Started, Command: past.Command, CutOff: past.CutOff}
	out.add(past.Plan)
	return out, nil
}

func (a *app) showRemoval(c *cli.Context, cfg apacheconf.Config, u apacheconf.Undo) (undoAnswer, error) {
	var out undoAnswer
	s, err := apacheconf.Discover(c.Context, cfg)
	if err != nil {
		return out, err
	}
	p, err := s.Plan(c.Context, apacheconf.Change{Remove: true, AllowRestart: u.AllowRestart})
	if err == nil {
		out.add(p)
	}
	return out, err
}

func (a *app) apacheUndo(c *cli.Context, u undoing) (err error) {
	defer func() { err = interrupted(c.Context, err) }()
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	server, undo := a.apacheConfig(c, cfg), apacheconf.Undo{AllowRestart: c.Bool("allow-restart")}
	answer, err := u.show(c, server, undo)
	if err != nil && (c.Bool("dry-run") || !c.Bool("yes") || errors.Is(err, apacheconf.ErrNothingToUndo)) {
		return err
	}
	if err == nil && !a.json(c) {
		a.writeUndo(answer)
	}
	if c.Bool("dry-run") {
		if a.json(c) {
			return a.printJSON(answer)
		}
		return nil
	}
	if answer.asks() {
		if err := a.confirm(c, u.question); err != nil {
			return err
		}
	}
	return a.undo(c, cfg, u, undo)
}

func (a *app) undo(c *cli.Context, cfg *config.Config, u undoing, how apacheconf.Undo) error {
	result, err := u.do(c.Context, a.apacheConfig(c, cfg), how)
	if err != nil {
		return err
	}
	a.noteServed(c, cfg)
	if a.json(c) {
		return a.printJSON(result)
	}
	writeResult(a.stdout, result)
	return nil
}

func (a *app) writeUndo(u undoAnswer) {
	if !u.Started.IsZero() {
		what := "tlskeeper " + term.Escape(u.Command)
		if u.Command == "" {
			what = "a change"
		}
		if u.CutOff {
			what += ", which was cut off"
		}
		fmt.Fprintf(a.stdout, "the last change: %s: %s\n", u.Started.Local().Format("2006-01-02 15:04:05 -0700"), what)
	}
	fmt.Fprint(a.stdout, u.Diff)
	writeFindings(a.stdout, "blocked", u.Blocked)
	writeFindings(a.stdout, "warning", u.Warnings)
}
