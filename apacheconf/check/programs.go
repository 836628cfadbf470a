package check

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// logDirectives may name a program instead of a file.
var logDirectives = []string{"CustomLog", "GlobalLog", "TransferLog", "ErrorLog", "ForensicLog"}

// accessExecute is X_OK of access(2).
const accessExecute = 1

// programFaults finds the programs without which Apache does not come up: those
// of piped logs, and of rewriting maps. `httpd -t` starts none of them, and a
// reload with one that cannot be started kills the server (AH00104, AH00089,
// AH00654; measured).
func programFaults(s *httpd.Server) []conf.Finding {
	out := programFaultsIn(s.Conf, s.Conf)
	for _, v := range conf.All(s.Conf, "VirtualHost") {
		out = append(out, programFaultsIn(v.Children, s.Conf)...)
	}
	return out
}

func programFaultsIn(nodes, server []*conf.Node) []conf.Finding {
	engine := conf.Last(nodes, "RewriteEngine")
	if engine == nil {
		engine = conf.Last(server, "RewriteEngine")
	}
	maps := engine != nil && strings.EqualFold(engine.Arg(0), "on")
	var out []conf.Finding
	for _, n := range nodes {
		program := ""
		switch {
		case slices.ContainsFunc(logDirectives, n.Is):
			program = pipedProgram(n.Arg(0))
		case maps && n.Is("RewriteMap"):
			program = mapProgram(n.Arg(1))
		}
		if why := programFault(program); why != "" {
			out = append(out, conf.Finding{Code: "program", File: n.File, Line: n.Line,
				What: fmt.Sprintf("%s: %s %s, and without it Apache does not start; a reload would kill it", n.Name, program, why)})
		}
	}
	return out
}

// pipedProgram is the program that a log names by "|", "||" or "|$", "" where
// that is left to the shell. Source: server/log.c, piped_log_spawn.
func pipedProgram(arg string) string {
	command, piped := strings.CutPrefix(arg, "|")
	if !piped {
		return ""
	}
	command, shell := strings.CutPrefix(strings.TrimPrefix(command, "|"), "$")
	program := firstWord(command)
	if shell && !strings.HasPrefix(program, "/") {
		return ""
	}
	return program
}

func mapProgram(arg string) string {
	command, isProgram := strings.CutPrefix(arg, "prg:")
	if !isProgram {
		return ""
	}
	return firstWord(command)
}

func firstWord(command string) string {
	if command = strings.TrimLeft(command, " \t"); command == "" {
		return ""
	}
	word, _ := conf.NextWord(command)
	return word
}

// programFault asks what APR asks before it forks: access(2), without PATH, in
// the root directory. Source: apr_proc_create of threadproc/unix/proc.c.
func programFault(program string) string {
	if program == "" {
		return ""
	}
	err := syscall.Access(conf.Abs("/", program), accessExecute)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "is not there"
	}
	return "cannot be executed (" + err.Error() + ")"
}
