package safepath

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/testenv"
)

// Each command of root's runs a file of alice's: DIR/theirs. DIR is root's.
func TestProgramsThatACommandNames(t *testing.T) {
	testenv.NeedRoot(t)
	for name, c := range map[string]struct {
		argv    []string
		script  string // of DIR/ours
		refused bool
	}{
		"theirs":                     {[]string{"DIR/theirs"}, "", true},
		"ours":                       {[]string{"DIR/ours", "DIR/theirs"}, "#!/bin/sh\n", false},
		"found on PATH":              {[]string{"theirs"}, "", true},
		"a shell's":                  {[]string{"/bin/sh", "DIR/theirs"}, "", true},
		"a shell's, with options":    {[]string{"/bin/sh", "-e", "-ux", "DIR/theirs"}, "", true},
		"a shell's text":             {[]string{"/bin/sh", "-c", "DIR/theirs"}, "", true},
		"read by a shell's text":     {[]string{"/bin/sh", "-c", "cat $1", "sh", "DIR/theirs"}, "", false},
		"read by a script":           {[]string{"/bin/sh", "-e", "DIR/ours", "DIR/theirs"}, "", false},
		"read by perl's text":        {[]string{"/usr/bin/perl", "-ne", "print", "DIR/theirs"}, "", false},
		"read behind timeout":        {[]string{"/usr/bin/timeout", "60", "/bin/cat", "DIR/theirs"}, "", false},
		"a login shell's":            {[]string{"/bin/bash", "-l", "DIR/theirs"}, "", true},
		"a shell's, long option":     {[]string{"/bin/bash", "--norc", "DIR/theirs"}, "", true},
		"a shell's, option's word":   {[]string{"/bin/bash", "-o", "pipefail", "DIR/theirs"}, "", true},
		"a shell's, option off":      {[]string{"/bin/sh", "+e", "DIR/theirs"}, "", true},
		"a shell's, options end":     {[]string{"/bin/sh", "--", "DIR/theirs"}, "", true},
		"perl's, with warnings":      {[]string{"/usr/bin/perl", "-w", "DIR/theirs"}, "", true},
		"behind timeout":             {[]string{"/usr/bin/timeout", "60", "DIR/theirs"}, "", true},
		"behind timeout, a shell's":  {[]string{"/usr/bin/timeout", "-k", "5", "60", "sh", "DIR/theirs"}, "", true},
		"behind nice":                {[]string{"/usr/bin/nice", "-n", "10", "DIR/theirs"}, "", true},
		"env's, without a variable":  {[]string{"/usr/bin/env", "-u", "X", "DIR/theirs"}, "", true},
		"env's, long option":         {[]string{"/usr/bin/env", "--ignore-environment", "--", "DIR/theirs"}, "", true},
		"read by a program":          {[]string{"/bin/cat", "DIR/theirs"}, "", false},
		"env's":                      {[]string{"/usr/bin/env", "A=b", "DIR/theirs"}, "", true},
		"env's, found on PATH":       {[]string{"/usr/bin/env", "theirs"}, "", true},
		"env's, found on its PATH":   {[]string{"/usr/bin/env", "PATH=/bin:DIR", "theirs"}, "", true},
		"env's, a shell's":           {[]string{"/usr/bin/env", "-i", "sh", "DIR/theirs"}, "", true},
		"interpreter":                {[]string{"DIR/ours"}, "#!DIR/theirs\n", true},
		"interpreter with blanks":    {[]string{"DIR/ours"}, "#! DIR/theirs  -x\n", true},
		"interpreter by env":         {[]string{"DIR/ours"}, "#!/usr/bin/env theirs\n", true},
		"interpreter by env, split":  {[]string{"DIR/ours"}, "#!/usr/bin/env -S theirs -u\n", true},
		"interpreter's own script":   {[]string{"DIR/ours"}, "#!/bin/sh DIR/theirs\n", true},
		"interpreter by env, ours":   {[]string{"DIR/ours"}, "#!/usr/bin/env sh\n", false},
		"interpreter that has none":  {[]string{"DIR/ours"}, "#!\n", false},
		"interpreter that is itself": {[]string{"DIR/ours"}, "#!DIR/ours\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
			err := errors.Join(os.WriteFile(theirs, []byte("#!/bin/sh\n"), 0o755), os.Chown(theirs, alice, alice),
				os.WriteFile(ours, []byte(strings.ReplaceAll(c.script, "DIR", dir)), 0o755))
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":/usr/bin:/bin")
			argv := make([]string, len(c.argv))
			for i, arg := range c.argv {
				argv[i] = strings.ReplaceAll(arg, "DIR", dir)
			}
			judged, err := Command(argv, []string{"PATH=/usr/bin:/bin:" + dir})
			if e, ok := errors.AsType[*Error](err); c.refused && (!ok || e.Path != theirs) || !c.refused && err != nil {
				t.Errorf("refused should be %v: %v", c.refused, err)
			}
			if err == nil && !filepath.IsAbs(judged[0]) {
				t.Errorf("would run %q", judged)
			}
		})
	}
}

// Programs that this host need not have: only their names count.
func TestScriptsOfOtherInterpreters(t *testing.T) {
	testenv.NeedRoot(t)
	for _, argv := range [][]string{
		{"nodejs", "theirs"}, {"python3", "-I", "theirs"}, {"python3.13", "-W", "ignore", "theirs"}, {"busybox", "sh", "theirs"}, {"sudo", "-u", "mail", "theirs"},
	} {
		dir := t.TempDir()
		theirs := filepath.Join(dir, "theirs")
		err := errors.Join(os.WriteFile(theirs, []byte("#!/bin/sh\n"), 0o755), os.Chown(theirs, alice, alice),
			os.WriteFile(filepath.Join(dir, argv[0]), []byte("\x7fELF"), 0o755))
		if err != nil {
			t.Fatal(err)
		}
		words := append([]string{filepath.Join(dir, argv[0])}, argv[1:]...)
		words[len(words)-1] = theirs
		_, err = Command(words, []string{"PATH=/usr/bin:/bin"})
		if e, ok := errors.AsType[*Error](err); !ok || e.Path != theirs {
			t.Errorf("%q: %v", argv, err)
		}
	}
}

// timeout looks for 60 nowhere.
func TestAWordThatIsNoProgramIsNotLookedFor(t *testing.T) {
	testenv.NeedRoot(t)
	open := t.TempDir()
	if err := os.Chown(open, alice, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := Command([]string{"/usr/bin/timeout", "60", "true"}, []string{"PATH=/usr/bin:/bin:" + open}); err != nil {
		t.Error(err)
	}
}

// env looks at the directories of PATH in their order when it is run, and not
// before.
func TestEarlierOnPATH(t *testing.T) {
	testenv.NeedRoot(t)
	first := t.TempDir()
	argv, env := []string{"/usr/bin/env", "true"}, []string{"PATH=" + first + ":/usr/bin:/bin"}
	if _, err := Command(argv, env); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(first, alice, -1); err != nil {
		t.Fatal(err)
	}
	_, err := Command(argv, env)
	if e, ok := errors.AsType[*Error](err); !ok || e.Path != first {
		t.Errorf("got %v", err)
	}
}

func TestProgramThatIsMissing(t *testing.T) {
	if _, err := Command([]string{filepath.Join(t.TempDir(), "missing")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
