package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tlskeeper/internal/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tlskeeper": main, "exchange": exchange})
}

// TestScripts runs testdata/script/*.txtar: each shows what a user types and
// what stdout, stderr, the exit code and the files are then. Conditions of the
// form [prog:NAME] skip a script where a program is missing.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Condition:           condition,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// condition answers [prog:NAME]: a program that is missing makes the script
// skip itself ([!prog:apache2] skip), or fail where REQUIRE_TESTENV names it.
func condition(cond string) (bool, error) {
	program, ok := strings.CutPrefix(cond, "prog:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	found := testenv.Has(program)
	if !found && testenv.Required(program) {
		return false, fmt.Errorf("%s is missing, and %s requires it", program, testenv.Variable)
	}
	return found, nil
}

// exits runs a program and compares its exit code: exits 2 tlskeeper query.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}
