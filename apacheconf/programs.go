package apacheconf

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// logDirectives may name a program instead of a file.
var logDirectives = []string{"CustomLog", "GlobalLog", "TransferLog", "ErrorLog", "ForensicLog"}

// accessExecute is X_OK of access(2).
const accessExecute = 1

// programFaults finds the programs without which Apache does not come up: those
// of piped logs, and of rewriting maps. `httpd -t` starts none of them, and a
// reload with one that cannot be started kills the server (AH00104, AH00089,
// AH00654; measured).
func (s *Server) programFaults() []Finding {
	out := programFaultsIn(s.conf, s.conf)
	for _, v := range all(s.conf, "VirtualHost") {
		out = append(out, programFaultsIn(v.children, s.conf)...)
	}
	return out
}

func programFaultsIn(nodes, server []*node) []Finding {
	engine := last(nodes, "RewriteEngine")
	if engine == nil {
		engine = last(server, "RewriteEngine")
	}
	maps := engine != nil && strings.EqualFold(engine.arg(0), "on")
	var out []Finding
	for _, n := range nodes {
		program := ""
		switch {
		case slices.ContainsFunc(logDirectives, n.is):
			program = pipedProgram(n.arg(0))
		case maps && n.is("RewriteMap"):
			program = mapProgram(n.arg(1))
		}
		if why := programFault(program); why != "" {
			out = append(out, Finding{Code: "program", File: n.file, Line: n.line,
				What: fmt.Sprintf("%s: %s %s, and without it Apache does not start; a reload would kill it", n.name, program, why)})
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
	word, _ := nextWord(command)
	return word
}

// programFault asks what APR asks before it forks: access(2), without PATH, in
// the root directory. Source: apr_proc_create of threadproc/unix/proc.c.
func programFault(program string) string {
	if program == "" {
		return ""
	}
	err := syscall.Access(abs("/", program), accessExecute)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "is not there"
	}
	return "cannot be executed (" + err.Error() + ")"
}
