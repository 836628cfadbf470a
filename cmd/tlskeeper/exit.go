package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"tlskeeper/acme"
	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/flock"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// The exit codes, as the man page's EXIT STATUS lists them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFindings    = 3
	exitNotDeployed = 4
	exitLocked      = 5
	exitRefused     = 6
	exitRolledBack  = 7
	exitInterrupted = 130
)

// errFindings ends a check that ran well and found something: what it found
// is printed already.
var errFindings = errors.New("there are findings")

// exitCode is the only place where an error becomes a number.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case is[*childError](err):
		child, _ := errors.AsType[*childError](err)
		return child.code
	case is[cmdline.UsageError](err), is[*config.Error](err), is[*acme.TermsError](err), is[*renewal.UnknownError](err):
		return exitUsage
	case is[*renewal.NotDeployedError](err):
		return exitNotDeployed
	case is[*apacheconf.RefusedError](err):
		return exitRefused
	case is[*apacheconf.RolledBackError](err):
		return exitRolledBack
	case is[*flock.HeldError](err):
		return exitLocked
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// report writes err for a person, or as one JSON object for a script.
func report(w io.Writer, err error, asJSON bool) {
	if err == nil || errors.Is(err, errFindings) || is[*childError](err) {
		return
	}
	if hint.Of(err) == "" && errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		err = hint.Wrap(err, "permission is missing; as root: sudo tlskeeper ...")
	}
	if asJSON {
		text, _ := json.Marshal(map[string]any{"error": err.Error(), "hint": hint.Of(err), "exit": exitCode(err)})
		fmt.Fprintln(w, term.EscapeJSON(string(text)))
		return
	}
	fmt.Fprintf(w, "tlskeeper: %s\n", cmdline.EscapeLines(err.Error()))
	if h := hint.Of(err); h != "" {
		fmt.Fprintf(w, "hint: %s\n", cmdline.EscapeLines(h))
	}
}
