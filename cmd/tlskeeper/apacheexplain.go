package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf"
	"tlskeeper/internal/hint"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// allFaults stands for every code.
const allFaults = "all"

func explainFlag() cli.Flag {
	return &cli.StringFlag{Name: "explain", Usage: "say what a finding with this `CODE` means, and what to do; " + allFaults + " lists them"}
}

// explainFinding needs no Apache: it reads the table of faults.
func (a *app) explainFinding(c *cli.Context) error {
	faults, code := apacheconf.Faults(), c.String("explain")
	if i := slices.IndexFunc(faults, func(f apacheconf.Fault) bool { return f.Code == code }); i >= 0 {
		if a.json(c) {
			return a.printJSON(faults[i])
		}
		_, err := fmt.Fprintf(a.stdout, "%s\n  %s\n  %s\n  To do: %s\n", code, faults[i].What, faults[i].Why, faults[i].Do)
		return err
	}
	if code != allFaults {
		return hint.Wrap(cmdline.Usagef("apache plan: no finding has the code %q", code), "tlskeeper apache plan --explain "+allFaults)
	}
	if a.json(c) {
		return a.printJSON(faults)
	}
	for _, f := range faults {
		if _, err := fmt.Fprintf(a.stdout, "%-16s %s\n", f.Code, f.What); err != nil {
			return err
		}
	}
	return nil
}

func faultCodes() []string {
	codes := []string{allFaults}
	for _, f := range apacheconf.Faults() {
		codes = append(codes, f.Code)
	}
	return codes
}
