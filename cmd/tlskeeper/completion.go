package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/internal/hint"
)

func (a *app) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for bash, zsh or fish",
		ArgsUsage: "SHELL",
		UsageText: "tlskeeper completion bash > /etc/bash_completion.d/tlskeeper\n" +
			"tlskeeper completion zsh > /usr/share/zsh/site-functions/_tlskeeper\n" +
			"tlskeeper completion fish > /etc/fish/completions/tlskeeper.fish",
		Action: a.completion,
	}
}

func (a *app) completion(c *cli.Context) error {
	if c.NArg() > 1 {
		return hint.Wrap(usagef("completion: one shell at a time"), "tlskeeper completion "+c.Args().First())
	}
	script := ""
	switch shell := c.Args().First(); shell {
	case "bash":
		script = fmt.Sprintf(bashScript, pathCases(c.App), wordCases(c.App))
	case "zsh":
		script = fmt.Sprintf(zshScript, pathCases(c.App), wordCases(c.App))
	case "fish":
		var err error
		if script, err = c.App.ToFishCompletion(); err != nil {
			return err
		}
	case "":
		return hint.Wrap(usagef("completion: for which shell?"), "tlskeeper completion bash")
	default:
		return hint.Wrap(usagef("completion: no script for %q", shell), "bash, zsh and fish are known")
	}
	_, err := fmt.Fprint(a.stdout, script)
	return err
}

// The scripts hold the whole command tree as text. The library's own ones run
// what stands on the line through eval and ask the program at each key; these
// evaluate nothing that was typed and start no process.
const bashScript = `# bash completion for tlskeeper; made by: tlskeeper completion bash
_tlskeeper() {
	local cur=${COMP_WORDS[COMP_CWORD]} at= offer= i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$at ${COMP_WORDS[i]}" in
%s) at="$at ${COMP_WORDS[i]}" ;;
		esac
	done
	case "$at" in
%s
	esac
	COMPREPLY=($(compgen -W "$offer" -- "$cur"))
}
complete -o bashdefault -o default -F _tlskeeper tlskeeper
`

const zshScript = `#compdef tlskeeper
# zsh completion for tlskeeper; made by: tlskeeper completion zsh
_tlskeeper() {
	local cur=${words[CURRENT]} at= offer= i
	for ((i = 2; i < CURRENT; i++)); do
		case "$at ${words[i]}" in
%s) at="$at ${words[i]}" ;;
		esac
	done
	case "$at" in
%s
	esac
	if [[ -n $offer ]]; then
		compadd -- ${=offer}
	else
		_files
	fi
}
if [[ $funcstack[1] == _tlskeeper ]]; then
	_tlskeeper "$@"
else
	compdef _tlskeeper tlskeeper
fi
`

// node is one place in the command tree.
type node struct {
	path     string // " apache apply"
	commands []string
	flags    []string
}

func tree(path string, commands []*cli.Command, flags []cli.Flag) []node {
	here := node{path: path, commands: visibleNames(commands), flags: longFlags(flags)}
	nodes := []node{here}
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		for _, name := range c.Names() {
			nodes = append(nodes, tree(path+" "+name, c.Subcommands, c.Flags)...)
		}
	}
	return nodes
}

func longFlags(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		for _, name := range f.Names() {
			if len(name) > 1 {
				names = append(names, "--"+name)
			}
		}
	}
	return names
}

func pathCases(app *cli.App) string {
	var paths []string
	for _, n := range tree("", app.Commands, nil)[1:] {
		paths = append(paths, "'"+n.path+"'")
	}
	return "\t\t" + strings.Join(paths, "|")
}

// wordCases offers flags once a dash is typed, and commands before that.
func wordCases(app *cli.App) string {
	global := append(longFlags(app.Flags), "--help")
	var b strings.Builder
	for _, n := range tree("", app.Commands, nil) {
		if n.path == " completion" {
			n.commands = []string{"bash", "zsh", "fish"}
		}
		flags := slices.Concat(n.flags, global)
		slices.Sort(flags)
		fmt.Fprintf(&b, "\t'%s') offer='%s'; [[ $cur == -* ]] && offer='%s' ;;\n",
			n.path, strings.Join(n.commands, " "), strings.Join(slices.Compact(flags), " "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
