package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/internal/hint"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
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
		return hint.Wrap(cmdline.Usagef("completion: one shell at a time"), "tlskeeper completion "+c.Args().First())
	}
	script := ""
	switch shell := c.Args().First(); shell {
	case "bash":
		script = fmt.Sprintf(bashScript, pathCases(c.App), valueCases(c.App), wordCases(c.App))
	case "zsh":
		script = fmt.Sprintf(zshScript, pathCases(c.App), valueCases(c.App), wordCases(c.App))
	case "fish":
		var err error
		if script, err = c.App.ToFishCompletion(); err != nil {
			return err
		}
		script += fishValues(c.App)
	case "":
		return hint.Wrap(cmdline.Usagef("completion: for which shell?"), "tlskeeper completion bash")
	default:
		return hint.Wrap(cmdline.Usagef("completion: no script for %q", shell), "bash, zsh and fish are known")
	}
	_, err := fmt.Fprint(a.stdout, script)
	return err
}

// The scripts hold the whole command tree as text. The library's own ones run
// what stands on the line through eval and ask the program at each key; these
// evaluate nothing that was typed, and start the program of the PATH only for
// the names of certificates.
const bashScript = `# bash completion for tlskeeper; made by: tlskeeper completion bash
_tlskeeper() {
	local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at= offer= word i
	local -a where=()
	COMPREPLY=()
	if [[ $cur == = ]]; then # --flag=value is three words
		cur=
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case "$at $word" in
		*' --root'|*' --config')
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			where+=("$word" "${COMP_WORDS[++i]}") ;;
%s) at="$at $word" ;;
		esac
	done
	case "$at $before" in
%s
	*)
	case "$at" in
%s
	esac
	esac
	if [[ $offer == @names ]]; then
		offer=$(tlskeeper "${where[@]}" __complete names 2>/dev/null)
	fi
	COMPREPLY=($(compgen -W "$offer" -- "$cur"))
}
complete -o bashdefault -o default -F _tlskeeper tlskeeper
`

const zshScript = `#compdef tlskeeper
# zsh completion for tlskeeper; made by: tlskeeper completion zsh
_tlskeeper() {
	local cur=${words[CURRENT]} before=${words[CURRENT-1]} at= offer= word i
	local -a where=()
	if [[ $cur == --*=* ]]; then
		before=${cur%%%%=*}
		compset -P '*='
	fi
	for ((i = 2; i < CURRENT; i++)); do
		word=${words[i]}
		case "$at $word" in
		*' --root'|*' --config') ((i++)); where+=("$word" "${words[i]}") ;;
		*' --root='*|*' --config='*) where+=("$word") ;;
%s) at="$at $word" ;;
		esac
	done
	case "$at $before" in
%s
	*)
	case "$at" in
%s
	esac
	esac
	if [[ $offer == @names ]]; then
		offer=$(tlskeeper "${where[@]}" __complete names 2>/dev/null)
	fi
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
	path     string // " apache apply", or by another name of it
	name     string // the same by its first name
	commands []string
	flags    []string
	valued   []cli.Flag // those that take a value
}

func tree(path, name string, commands []*cli.Command, flags []cli.Flag) []node {
	here := node{path: path, name: name, commands: cmdline.VisibleNames(commands), flags: cmdline.LongFlags(flags)}
	for _, f := range flags {
		if cmdline.TakesValue(f) {
			here.valued = append(here.valued, f)
		}
	}
	nodes := []node{here}
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		for _, alias := range c.Names() {
			nodes = append(nodes, tree(path+" "+alias, name+" "+c.Name, c.Subcommands, c.Flags)...)
		}
	}
	return nodes
}

func pathCases(app *cli.App) string {
	var paths []string
	for _, n := range tree("", "", app.Commands, nil)[1:] {
		paths = append(paths, "'"+n.path+"'")
	}
	return "\t\t" + strings.Join(paths, "|")
}

// wordCases offers flags once a dash is typed, and commands before that.
func wordCases(app *cli.App) string {
	global := append(cmdline.LongFlags(app.Flags), "--help")
	var b strings.Builder
	for _, n := range tree("", "", app.Commands, nil) {
		if words := arguments(n.name); words != nil {
			n.commands = words
		}
		flags := slices.Concat(n.flags, global)
		slices.Sort(flags)
		fmt.Fprintf(&b, "\t'%s') offer='%s'; [[ $cur == -* ]] && offer='%s' ;;\n",
			n.path, strings.Join(n.commands, " "), strings.Join(slices.Compact(flags), " "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
