package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/query"

	"tlskeeper/templates"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// certificateNames stands in a script for the names of this host's
// certificates, which it asks the program for.
const certificateNames = "@names"

// arguments are what can stand behind a command; nil where the shell offers
// files.
func arguments(command string) []string {
	switch command {
	case " completion":
		return []string{"bash", "zsh", "fish"}
	case " query":
		return query.ReportNames()
	case " account deactivate":
		return config.Words("ca")
	case " issue", " renew", " revoke", " certs show", " certs rollback", " certs delete", " apache adopt", " apache vhost":
		return []string{certificateNames}
	}
	return nil
}

// values are what can stand behind a flag of a command; nil where the shell
// offers files.
func values(command, flag string) []string {
	switch command + " --" + flag {
	case " query --format":
		return query.Formats
	case " scan --profile", " apache plan --profile", " apache apply --profile":
		return templates.ProfileNames()
	case " apache plan --explain":
		return faultCodes()
	case " revoke --reason":
		return reasonNames()
	case " tail --protocol":
		return protocols[:len(protocols)-1]
	case " issue --key-type":
		return config.Words("key_type")
	case " setup --ca":
		return config.Words("ca")
	case " renew --cert-name":
		return []string{certificateNames}
	}
	return nil
}

// valueCases offers the values of a flag that was just typed.
func valueCases(app *cli.App) string {
	var b strings.Builder
	free := []string{"*' --config'", "*' --root'"}
	for _, n := range tree("", "", app.Commands, nil) {
		for _, f := range n.valued {
			var words, typed []string
			for _, name := range f.Names() {
				words = append(words, values(n.name, name)...)
				typed = append(typed, "'"+n.path+" "+cmdline.Dashes(name)+name+"'")
			}
			if words == nil {
				free = append(free, typed...)
				continue
			}
			fmt.Fprintf(&b, "\t%s) offer='%s' ;;\n", strings.Join(typed, "|"), strings.Join(words, " "))
		}
	}
	return b.String() + "\t" + strings.Join(free, "|") + ") ;;"
}

// fishValues adds values to the script of the library, which has none.
func fishValues(app *cli.App) string {
	var b strings.Builder
	add := func(path, option string, words []string) {
		if words == nil {
			return
		}
		list := strings.Join(words, " ")
		if list == certificateNames {
			list = "(command tlskeeper __complete names 2>/dev/null)"
		}
		seen := "__fish_seen_subcommand_from " + strings.Join(strings.Fields(path), "; and __fish_seen_subcommand_from ")
		fmt.Fprintf(&b, "complete -c tlskeeper -n '%s'%s -xa '%s'\n", seen, option, list)
	}
	for _, n := range tree("", "", app.Commands, nil) {
		add(n.path, "", arguments(n.name))
		for _, f := range n.valued {
			add(n.path, " -l "+f.Names()[0], values(n.name, f.Names()[0]))
		}
	}
	return b.String()
}

// completeCommand answers the scripts. It needs no root and no network, and is
// silent about what it cannot read.
func (a *app) completeCommand() *cli.Command {
	return &cli.Command{Name: "__complete", Hidden: true, ArgsUsage: "names", Action: func(c *cli.Context) error {
		for _, name := range a.completedNames(c) {
			fmt.Fprintln(a.stdout, name)
		}
		return nil
	}}
}

// plainName is what is safe in the hands of any shell; the published state is a
// file like another.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// completedNames are the certificates of the configuration and those that were
// published.
func (a *app) completedNames(c *cli.Context) []string {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return nil
	}
	names := wanted(cfg)
	if state, err := status.Read(status.StatePath(cfg.Paths.ACME)); err == nil {
		for _, cert := range state.Certificates {
			names = append(names, cert.Name)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return !plainName.MatchString(n) })
}
