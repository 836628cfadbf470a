package testenv

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const top = "../.."

var (
	needCall  = regexp.MustCompile(`testenv\.Need\([a-z]+, ([^)]*)\)`)
	quotedArg = regexp.MustCompile(`"([^"]+)"`)
	condition = regexp.MustCompile(`\[!?prog:([^\]]+)\]`)
)

// TestEveryNeededProgramIsInTheMakefile keeps a test from being skipped in CI
// because nobody told `make setup` about its program.
func TestEveryNeededProgramIsInTheMakefile(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(top, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^PROGRAMS = (.*)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no PROGRAMS")
	}
	listed := strings.Fields(string(line[1]))
	used := neededPrograms(t)
	for program, where := range used {
		if !slices.Contains(listed, program) {
			t.Errorf("%s needs %s, which PROGRAMS in the Makefile lacks", where, program)
		}
	}
	for _, program := range listed {
		if _, ok := used[program]; !ok {
			t.Errorf("PROGRAMS in the Makefile has %s, which no test needs", program)
		}
	}
}

// neededPrograms maps each program to a file that needs it.
func neededPrograms(t *testing.T) map[string]string {
	used := map[string]string{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".txtar") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, call := range needCall.FindAllStringSubmatch(string(text), -1) {
			for _, arg := range quotedArg.FindAllStringSubmatch(call[1], -1) {
				used[arg[1]] = path
			}
		}
		if strings.HasSuffix(path, ".go") {
			return err
		}
		for _, c := range condition.FindAllStringSubmatch(string(text), -1) {
			used[c[1]] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}
